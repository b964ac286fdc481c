//! Spans as collectors receive them, and the traces that they form.
//!
//! - [`context`]: `traceparent`, by which a caller begins or continues a trace
//! - [`span`]: one span
//! - [`trace`]: the spans of one trace as a tree
//! - [`waterfall`]: a trace as text

pub mod context;
pub mod span;
pub mod trace;
pub mod waterfall;

pub use context::{SpanId, TraceContext, TraceId};
pub use span::{Attributes, Kind, Span, Status, Value};
pub use trace::Trace;
