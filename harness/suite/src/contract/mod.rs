//! What the contract says, as data.
//!
//! - [`catalogue`]: components, capabilities, clauses
//! - [`components`]: what each program serves and depends on

pub mod catalogue;
pub mod components;
