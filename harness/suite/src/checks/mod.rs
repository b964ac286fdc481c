//! Reusable judgements: pure functions of what was observed, unit-tested on hand-written bad histories.
//!
//! - [`breaker`]: whether what was seen of a breaker fits RES-3 and RES-4
//! - [`gateway_answer`]: what an answer of the gateway must look like
//! - [`health_answer`]: whether an answer to `/health` is complete
//! - [`interface`]: what file descriptors say of an interface
//! - [`linearizable`]: whether a history of one user fits into one order
//! - [`log_line`]: whether a line is one event of a log
//! - [`openapi`]: whether a description is valid, and whether answers conform to it
//! - [`stream_history`]: whether a stream told of every change

pub mod breaker;
pub mod gateway_answer;
pub mod health_answer;
pub mod interface;
pub mod linearizable;
pub mod log_line;
pub mod openapi;
pub mod stream_history;
