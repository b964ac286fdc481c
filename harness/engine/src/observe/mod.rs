//! What programs show of themselves: the journal of a scenario, metrics, spans; and waiting for conditions.
//!
//! - [`journal`]: the events of a scenario, in order
//! - [`exposition`]: a page of metrics
//! - [`wait`]: polls until a condition holds, or while it must hold
//! - [`spans`]: spans, and the traces that they form
//! - [`collector`]: receives spans over OTLP

pub mod collector;
pub mod exposition;
pub mod journal;
pub mod spans;
pub mod wait;

pub use journal::Journal;
pub use wait::{Patience, elapse, eventually, holds_for};
