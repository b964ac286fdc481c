//! Stands for the list of edits, which `conformance self-check` weaves into a copy of the reference.

use super::Edited;

/// No edit: this is the reference itself.
pub const EDITED: &[Edited] = &[];

/// Selects a mutant, once and at start.
pub fn select(_: &str) {}
