//! What any conformance suite needs, whatever platform it judges.
//!
//! In the order that data flows:
//!
//! - [`catalogue`]: what a platform's suite declares of itself: components, capabilities, clauses
//! - [`manifest`]: `conformance.toml`, checked against the catalogue
//! - [`backends`]: what an implementation attaches to, and where that comes from
//! - [`network`]: a link between a program and a backend that can be cut, hung or slowed
//! - [`subject`]: the implementation under test: its processes, ports and output
//! - [`observe`]: what a program shows: the journal, waiting for a condition
//! - [`run`]: select, schedule, execute, judge; the watchdog
//! - [`report`]: the outcome as terminal text, `verdict.json` and JUnit
//! - [`failure`]: why a step did not pass
//! - [`lint`]: features against catalogue and steps, without running
//!
//! Dependencies point downward in this list's reverse: nothing here knows a user, a gateway or an operator.

pub mod backends;
pub mod catalogue;
pub mod failure;
pub mod lint;
pub mod manifest;
pub mod network;
pub mod observe;
pub mod report;
pub mod run;
pub mod subject;
