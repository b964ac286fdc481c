//! Reusable judgements: pure functions of what was observed, unit-tested on hand-written bad histories.
//!
//! - [`linearizable`]: whether a history of one user fits into one order

pub mod linearizable;
