//! Features: Gherkin files become cases, of which a run executes a selection.
//!
//! - [`parse`](mod@parse): the text of feature files
//! - [`cases`]: one scenario for one component
//! - [`select`](mod@select): which cases a run executes
//! - [`lint`]: features against catalogue and steps, without running

pub mod cases;
pub mod lint;
pub mod parse;
pub mod select;
