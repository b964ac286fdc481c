//! Feature files: parsed into cases, of which a run executes a selection.
//!
//! - [`parse`](mod@parse): parses the text of feature files
//! - [`cases`]: creates cases, each one scenario for one component
//! - [`select`](mod@select): selects the cases that a run executes
//! - [`lint`]: checks features against catalogue and step functions, without running them

pub mod cases;
pub mod lint;
pub mod parse;
pub mod select;
