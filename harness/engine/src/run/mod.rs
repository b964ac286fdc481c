//! A run: select scenarios, schedule and execute them, judge their outcomes.
//!
//! - [`folder`]: the one folder that holds all of a run's files
//! - [`watchdog`]: whatever ends the run, nothing is left
//! - [`cases`]: features on disk or in the binary become cases
//! - [`select`]: which cases a run executes
//! - [`execute`]: runs cases side by side
//! - [`scenario`]: one case, step by step
//! - [`deviations`]: what the manifest declares to be otherwise
//! - [`outcome`]: what came of each case
//! - [`verdict`]: the judgement, a pure function

pub mod cases;
pub mod deviations;
pub mod execute;
pub mod folder;
pub mod outcome;
pub mod scenario;
pub mod select;
pub mod verdict;
pub mod watchdog;
