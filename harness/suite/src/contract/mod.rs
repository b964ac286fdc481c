//! What the contract says, as data.
//!
//! - [`components`]: what each program serves and depends on
//! - [`catalogue`]: components, capabilities, clauses

pub mod catalogue;
pub mod components;
