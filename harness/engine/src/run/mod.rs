//! A run: schedule and execute scenarios, judge their outcomes.
//!
//! - [`outcome`]: what came of each case
//! - [`verdict`]: the judgement, a pure function
//! - [`deviations`]: what the manifest declares to be otherwise
//! - [`scenario`]: one case, step by step
//! - [`execute`]: runs cases side by side

pub mod deviations;
pub mod execute;
pub mod outcome;
pub mod scenario;
pub mod verdict;
