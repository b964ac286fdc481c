//! What a program shows, and how long to wait for it.
//!
//! - [`journal`]: what happened in a scenario, in order
//! - [`wait`]: waiting for a condition, or proving that it holds

pub mod journal;
pub mod wait;

pub use journal::Journal;
pub use wait::{Patience, elapse, eventually, holds_for};
