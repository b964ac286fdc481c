//! Pure functions of observations, unit-tested on hand-written bad histories.
//!
//! - [`breaker`]: whether the observed calls of a breaker agree with RES-3 and RES-4
//! - [`gateway_answer`]: what every answer of the gateway must look like
//! - [`health_answer`]: whether an answer to `/health` is complete
//! - [`http_answer`]: an HTTP answer, as drivers return it and checks read it
//! - [`interface`]: an interface as its file descriptors define it
//! - [`linearizable`]: whether a history of one user fits into one order
//! - [`log_line`]: whether a line is one event of a log
//! - [`openapi`]: whether a description is valid, and whether answers conform to it
//! - [`stream_history`]: whether a stream delivered every change

pub mod breaker;
pub mod gateway_answer;
pub mod health_answer;
pub mod http_answer;
pub mod interface;
pub mod linearizable;
pub mod log_line;
pub mod openapi;
pub mod stream_history;
