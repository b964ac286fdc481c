//! The journal of a scenario, waiting for conditions, and what programs show of themselves.
//!
//! - [`journal`]: the events of a scenario, in order
//! - [`exposition`]: a page of metrics
//! - [`wait`]: polls until a condition holds, or while it must hold

pub mod exposition;
pub mod journal;
pub mod wait;

pub use journal::Journal;
pub use wait::{Patience, elapse, eventually, holds_for};
