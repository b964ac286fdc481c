//! Mutants that are edits of the reference, as `edits/*.toml` describe them.

mod woven;

use crate::entry::{Entry, Program};
pub use woven::select;

/// An edit that was woven into this program.
pub struct Edited {
    /// Its name.
    pub id: &'static str,
    /// The clause that it breaks.
    pub clause: &'static str,
    /// What is wrong, in a sentence.
    pub wrong: &'static str,
    /// Whether a user service is judged with it.
    pub user_service: bool,
    /// Whether a gateway is judged with it.
    pub gateway: bool,
}

/// An entry for each edit and program.
pub fn entries() -> Vec<Entry> {
    let entries = |edited: &'static Edited| {
        let of = |program| Entry::edited(program, edited);
        [
            edited.user_service.then(|| of(Program::UserService)),
            edited.gateway.then(|| of(Program::Gateway)),
        ]
    };
    let all = woven::EDITED.iter().flat_map(entries);
    all.flatten().collect()
}
