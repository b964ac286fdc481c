//! What any conformance suite needs, for any platform.
//!
//! Each module uses only those above it:
//!
//! - [`failure`]: why a step did not pass
//! - [`sandbox`]: the ground: the run's folder, ports, child processes, watchdog
//! - [`observe`]: what a program shows: the journal, waiting for a condition
//! - [`network`]: a link between a program and a backend that can be cut, hung or slowed
//! - [`backends`]: what an implementation attaches to, and where that comes from
//! - [`catalogue`]: a platform's suite as data: components, capabilities, clauses
//! - [`manifest`]: `conformance.toml`, checked against the catalogue
//! - [`subject`]: the implementation under test, behind one trait
//! - [`features`]: feature files become cases; select, lint
//! - [`run`]: schedule, execute, judge
//! - [`report`]: the outcome as terminal text, `verdict.json` and JUnit
//!
//! Nothing here depends on a user, a gateway or an operator.

pub mod backends;
pub mod catalogue;
pub mod failure;
pub mod features;
pub mod manifest;
pub mod network;
pub mod observe;
pub mod report;
pub mod run;
pub mod sandbox;
pub mod subject;
