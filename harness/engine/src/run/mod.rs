//! A run: schedules and executes cases, and computes verdicts.
//!
//! - [`outcome`]: outcome and evidence of a case
//! - [`verdict`]: computes verdicts and the exit status, as pure functions
//! - [`model`]: the data of a run that all reports render
//! - [`deviations`]: applies the known deviations of the manifest
//! - [`scenario`]: runs one case, step by step
//! - `schedule`: chooses which case starts next
//! - [`execute`]: runs cases concurrently
//! - [`assemble`](mod@assemble): assembles the run's report from selection and results

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
