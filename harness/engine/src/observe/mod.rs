//! The journal of a scenario, and waiting for conditions.
//!
//! - [`journal`]: the events of a scenario, in order
//! - [`wait`]: polls until a condition holds, or while it must hold

pub mod journal;
pub mod wait;

pub use journal::Journal;
pub use wait::{Patience, elapse, eventually, holds_for};
