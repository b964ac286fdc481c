//! The platform-independent part of a conformance suite.
//!
//! Each module uses only those above it:
//!
//! - [`failure`]: why a step did not pass
//! - [`sandbox`]: per-run resources: folder, ports, child processes, watchdog
//! - [`observe`]: the journal of a scenario, waiting for a condition, pages of metrics, spans and their collector
//! - [`network`]: a link between a program and a backend that can be cut, hung or slowed
//! - [`backends`]: the servers that an implementation needs (PostgreSQL, Redis) or that look at it (Prometheus), and
//!   their providers
//! - [`catalogue`]: a platform's suite as data: components, capabilities, clauses
//! - [`manifest`]: `conformance.toml`, checked against the catalogue
//! - [`subject`]: the implementation under test, behind one trait
//! - [`features`]: parses feature files into cases; selection and lint
//! - [`run`]: schedules and executes cases, computes verdicts
//! - [`report`]: the results as terminal text, `verdict.json` and JUnit
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
