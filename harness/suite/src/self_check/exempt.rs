//! Scenarios that need not catch something, by name, each with the reason.

/// A scenario by its name (an outline's by the part before its first column), and why.
pub type Exemption = (&'static str, &'static str);

/// Scenarios that no counterexample of their clause fails.
pub const FROM_TEETH: &[Exemption] = &[];

/// Scenarios that a standing counterexample passes.
pub const FROM_STANDING: &[Exemption] = &[];

/// Whether the scenario is exempt by this list.
pub fn exempt(list: &[Exemption], name: &str) -> bool {
    list.iter().any(|(prefix, _)| name.starts_with(prefix))
}
