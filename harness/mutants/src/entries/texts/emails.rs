//! USR-3: what an email may hold.

use super::on_create;
use crate::entry::Entry;

pub fn entries() -> Vec<Entry> {
    vec![on_create(
        "email-trimmed",
        "USR-3",
        "white space around an email is taken off",
        |it| it.email = it.email.trim().to_owned(),
    )]
}
