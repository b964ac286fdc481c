//! USR-3: valid emails.

use super::create_mutant;
use crate::mutant::Mutant;

pub fn mutants() -> Vec<Mutant> {
    vec![create_mutant(
        "email-trimmed",
        "USR-3",
        "white space around an email is removed",
        |it| it.email = it.email.trim().to_owned(),
    )]
}
