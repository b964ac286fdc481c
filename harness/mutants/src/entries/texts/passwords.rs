//! USR-6: what a password may hold, and what is kept of it.

use super::on_create;
use crate::entry::Entry;

pub fn entries() -> Vec<Entry> {
    vec![
        on_create(
            "password-required",
            "USR-6",
            "a password is required",
            |it| {
                if it.password.is_empty() {
                    it.password = "x".to_owned();
                }
            },
        ),
        on_create(
            "password-returned",
            "USR-6",
            "the password comes back within the metadata",
            |it| {
                if !it.password.is_empty() {
                    it.metadata.insert("note".to_owned(), it.password.clone());
                }
            },
        ),
    ]
}
