//! Reusable judgements: pure functions of what was observed, unit-tested on hand-written bad histories.
//!
//! - [`linearizable`]: whether a history of one user fits into one order
//! - [`log_line`]: whether a line is one event of a log

pub mod linearizable;
pub mod log_line;
