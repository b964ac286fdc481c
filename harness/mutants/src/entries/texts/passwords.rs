//! USR-6: what a password may hold, and what is kept of it.

use async_trait::async_trait;
use user_service::invalid::Invalid;
use user_service::parts::Parts;
use user_service::password::{HashError, Hasher, Password, PasswordHash};
use user_service::validate;

use super::on_create;
use crate::entries::parts;
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
        parts(
            "password-9",
            "USR-6",
            "a password has 9 characters at least",
            |_, it| it.rules.limits.password_characters = 9..=128,
        ),
        parts(
            "password-6",
            "USR-6",
            "a password has 6 characters at least",
            |_, it| it.rules.limits.password_characters = 1..=128,
        ),
        parts(
            "password-unbounded",
            "USR-6",
            "a password has any number of characters",
            |_, it| it.rules.limits.password_characters = 8..=usize::MAX,
        ),
        parts(
            "password-bytes",
            "USR-6",
            "a password is measured in bytes",
            |_, it| {
                it.rules.password = |limits, text| {
                    if limits.password_characters.contains(&text.len()) {
                        Ok(())
                    } else {
                        Err(Invalid::Password)
                    }
                };
            },
        ),
        parts(
            "password-trimmed",
            "USR-6",
            "a password is trimmed, and holds no control characters",
            |_, it| {
                it.rules.password = |limits, text| {
                    validate::password(
                        limits,
                        &text
                            .replace(char::is_control, " ")
                            .trim()
                            .replace('\u{301}', ""),
                    )
                };
            },
        ),
        parts(
            "password-in-clear",
            "USR-6",
            "the clear text is kept",
            |_, it| hasher(it, str::to_owned),
        ),
        parts(
            "password-unsalted",
            "USR-6",
            "equal passwords have equal hashes",
            |_, it| {
                hasher(it, |it| {
                    let sum = it.bytes().fold(17_u64, |sum, byte| {
                        sum.wrapping_mul(31).wrapping_add(byte.into())
                    });
                    format!("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA${sum:032x}")
                });
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

fn hasher(it: &mut Parts, how: fn(&str) -> String) {
    it.hasher = std::sync::Arc::new(Kept(how));
}

/// Keeps a password as `how` makes of it.
struct Kept(fn(&str) -> String);

#[async_trait]
impl Hasher for Kept {
    async fn hash(&self, password: Password) -> Result<PasswordHash, HashError> {
        Ok(PasswordHash((self.0)(password.reveal())))
    }
}
