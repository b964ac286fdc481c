//! Mutants that are edits of the reference's sources, as `edits/*.toml` describe them.

mod woven;

use crate::mutant::{Mutant, Program};
pub use woven::select;

/// An edit that was woven into this program.
pub struct Edit {
    /// Selects the edit; also the mutant's id.
    pub id: &'static str,
    /// The clause that the edit breaks.
    pub clause: &'static str,
    /// Describes the fault in one sentence.
    pub wrong: &'static str,
    /// Whether the edit makes a mutant of the user service.
    pub user_service: bool,
    /// Whether the edit makes a mutant of the gateway.
    pub gateway: bool,
}

/// A mutant for each edit and program.
pub fn mutants() -> Vec<Mutant> {
    let mutants = |edit: &'static Edit| {
        let mutant_of = |program| Mutant::from_edit(program, edit);
        [
            edit.user_service.then(|| mutant_of(Program::UserService)),
            edit.gateway.then(|| mutant_of(Program::Gateway)),
        ]
    };
    let all = woven::EDITS.iter().flat_map(mutants);
    all.flatten().collect()
}
