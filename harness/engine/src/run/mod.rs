//! A run: schedule and execute scenarios, judge their outcomes.
//!
//! - [`outcome`]: what came of each case
//! - [`verdict`]: the judgement, a pure function
//! - [`model`]: what came of the run, for every report
//! - [`deviations`]: what the manifest declares to be otherwise
//! - [`scenario`]: one case, step by step
//! - `schedule`: which case begins next
//! - [`execute`]: runs cases side by side
//! - [`assemble`](mod@assemble): selection and results become the report

pub mod assemble;
pub mod deviations;
pub mod execute;
pub mod model;
pub mod outcome;
#[cfg(test)]
mod samples;
pub mod scenario;
mod schedule;
pub mod verdict;
