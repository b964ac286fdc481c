//! Reusable judgements: pure functions of what was observed, unit-tested on hand-written bad histories.
//!
//! - [`health_answer`]: whether an answer to `/health` is complete
//! - [`interface`]: what file descriptors say of an interface
//! - [`linearizable`]: whether a history of one user fits into one order
//! - [`log_line`]: whether a line is one event of a log
//! - [`stream_history`]: whether a stream told of every change

pub mod health_answer;
pub mod interface;
pub mod linearizable;
pub mod log_line;
pub mod stream_history;
