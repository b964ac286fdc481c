//! What users' fields may hold, and how they come back.

use async_trait::async_trait;
use user_proto::v1::{
    CreateUserRequest, CreateUserResponse, DeleteUserRequest, GetUserRequest, GetUserResponse,
    UpdateUserRequest, User,
};
use user_service::invalid::Invalid;
use user_service::parts::Parts;
use user_service::password::{HashError, Hasher, Password, PasswordHash};
use user_service::validate;

use super::parts;
use crate::entry::Entry;
use crate::wire;

pub fn entries() -> Vec<Entry> {
    let mut all = creation();
    all.extend(required());
    all.extend(emails());
    all.extend(names());
    all.extend(metadata());
    all.extend(passwords());
    all.extend(hostile());
    all
}

fn on_create(it: &mut Parts, change: fn(&mut CreateUserRequest)) {
    wire::requests::<CreateUserRequest>(it, "/CreateUser", change);
}

fn created(it: &mut Parts, change: fn(&mut User)) {
    // A function pointer cannot hold another, so each place has its own way to the user.
    CREATED.get_or_init(|| change);
    wire::answers::<CreateUserResponse>(it, "/CreateUser", |it| {
        if let (Some(user), Some(change)) = (&mut it.user, CREATED.get()) {
            change(user);
        }
    });
}

static CREATED: std::sync::OnceLock<fn(&mut User)> = std::sync::OnceLock::new();

fn creation() -> Vec<Entry> {
    vec![
        parts(
            "create-lowers-email",
            "USR-1",
            "the email is stored in lower case",
            |_, it| {
                on_create(it, |it| it.email = it.email.to_lowercase());
            },
        ),
        parts(
            "create-drops-metadata",
            "USR-1",
            "metadata is not stored",
            |_, it| on_create(it, |it| it.metadata.clear()),
        ),
        parts(
            "create-lowers-keys",
            "USR-1",
            "metadata keys are stored in lower case",
            |_, it| {
                on_create(it, |it| {
                    it.metadata = std::mem::take(&mut it.metadata)
                        .into_iter()
                        .map(|(key, value)| (key.to_lowercase(), value))
                        .collect();
                });
            },
        ),
        parts(
            "create-adds-metadata",
            "USR-1",
            "a user without metadata gets some",
            |_, it| {
                on_create(it, |it| {
                    if it.metadata.is_empty() {
                        it.metadata.insert("source".to_owned(), "api".to_owned());
                    }
                });
            },
        ),
        parts(
            "create-without-status",
            "USR-1",
            "the answer has no status",
            |_, it| created(it, |it| it.status = 0),
        ),
        parts(
            "create-two-clocks",
            "USR-1",
            "updated_at is a little later than created_at",
            |_, it| {
                created(it, |it| {
                    if let Some(time) = &mut it.updated_at {
                        time.nanos = (time.nanos + 1000) % 1_000_000_000;
                    }
                });
            },
        ),
        parts(
            "get-drops-metadata",
            "USR-1",
            "GetUser leaves metadata out",
            |_, it| {
                wire::answers::<GetUserResponse>(it, "/GetUser", |it| {
                    if let Some(user) = &mut it.user {
                        user.metadata.clear();
                    }
                });
            },
        ),
        parts(
            "create-id-of-name",
            "USR-1",
            "the id is made from the name",
            |_, it| created(it, |it| it.id.clone_from(&it.name)),
        ),
        parts(
            "create-id-of-email",
            "USR-1",
            "the id is made from the email",
            |_, it| created(it, |it| it.id = it.email.to_lowercase()),
        ),
    ]
}

fn required() -> Vec<Entry> {
    vec![
        parts(
            "empty-is-invalid",
            "USR-2",
            "what is empty is called invalid, not required",
            |_, it| {
                it.rules.email =
                    |limits, text| validate::email(limits, text).map_err(|_| Invalid::Email);
                it.rules.name =
                    |limits, text| validate::name(limits, text).map_err(|_| Invalid::Name);
            },
        ),
        parts(
            "blank-name-accepted",
            "USR-2",
            "a name of blanks other than U+0020 is accepted",
            |_, it| {
                it.rules.limits.is_white_space = |it| it == ' ';
            },
        ),
        parts(
            "blank-is-invisible",
            "USR-2",
            "what cannot be seen counts as white space",
            |_, it| {
                it.rules.limits.is_white_space = |it| {
                    it.is_whitespace()
                        || matches!(
                            it,
                            '\u{ad}' | '\u{200b}'
                                ..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{2800}' | '\u{3164}'
                        )
                };
            },
        ),
        parts(
            "no-id-is-unknown",
            "USR-2",
            "an empty id names nobody",
            |_, it| {
                wire::requests::<GetUserRequest>(it, "/GetUser", |it| {
                    if it.id.is_empty() {
                        it.id = "nobody".to_owned();
                    }
                });
                wire::requests::<UpdateUserRequest>(it, "/UpdateUser", |it| {
                    if it.id.is_empty() {
                        it.id = "nobody".to_owned();
                    }
                });
                wire::requests::<DeleteUserRequest>(it, "/DeleteUser", |it| {
                    if it.id.is_empty() {
                        it.id = "nobody".to_owned();
                    }
                });
            },
        ),
        parts(
            "blank-name-unchecked",
            "USR-2",
            "an empty name is accepted",
            |_, it| {
                on_create(it, |it| {
                    if it.name.is_empty() {
                        it.name = "nobody".to_owned();
                    }
                });
            },
        ),
    ]
}

fn emails() -> Vec<Entry> {
    vec![
        parts(
            "email-limit-255",
            "USR-3",
            "an email may hold 255 bytes",
            |_, it| it.rules.limits.email_bytes = 255,
        ),
        parts(
            "email-limit-253",
            "USR-3",
            "an email may hold 253 bytes",
            |_, it| it.rules.limits.email_bytes = 253,
        ),
        parts(
            "email-local-unbounded",
            "USR-3",
            "the part before the @ is not bounded",
            |_, it| it.rules.limits.email_local_bytes = 254,
        ),
        parts(
            "email-local-63",
            "USR-3",
            "the part before the @ may hold 63 bytes",
            |_, it| it.rules.limits.email_local_bytes = 63,
        ),
        parts(
            "email-any-text",
            "USR-3",
            "an email is any text",
            |_, it| {
                it.rules.email = |_, text| {
                    if text.is_empty() {
                        Err(Invalid::EmailMissing)
                    } else {
                        Ok(())
                    }
                };
            },
        ),
        parts(
            "email-of-the-mail-rfc",
            "USR-3",
            "an email has a domain with a dot and ASCII letters only",
            |_, it| {
                it.rules.email = |limits, text| {
                    validate::email(limits, text)?;
                    let plain = text.is_ascii()
                        && text.rsplit('@').next().is_some_and(|it| it.contains('.'));
                    if plain { Ok(()) } else { Err(Invalid::Email) }
                };
            },
        ),
        parts(
            "email-ascii-blanks",
            "USR-3",
            "only ASCII white space is refused in an email",
            |_, it| {
                it.rules.limits.is_white_space = |it| it.is_ascii_whitespace();
            },
        ),
        parts(
            "email-ascii-controls",
            "USR-3",
            "only control characters below U+0020 are refused in an email",
            |_, it| {
                it.rules.limits.is_control = |it| it < ' ';
            },
        ),
        parts(
            "email-quoted-at",
            "USR-3",
            "the last @ is the one that counts",
            |_, it| {
                it.rules.email = |limits, text| match text.rsplit_once('@') {
                    Some((local, domain)) => {
                        validate::email(limits, &format!("{}@{domain}", local.replace('@', "")))
                    }
                    None => validate::email(limits, text),
                };
            },
        ),
        parts(
            "email-trimmed",
            "USR-3",
            "white space around an email is taken off",
            |_, it| on_create(it, |it| it.email = it.email.trim().to_owned()),
        ),
        parts(
            "email-characters",
            "USR-3",
            "an email is measured in characters",
            |_, it| {
                it.rules.email = |limits, text| {
                    let ascii: String = text
                        .chars()
                        .map(|it| {
                            if it.is_ascii() || it.is_whitespace() || it.is_control() {
                                it
                            } else {
                                'x'
                            }
                        })
                        .collect();
                    validate::email(limits, &ascii)
                };
            },
        ),
    ]
}

fn names() -> Vec<Entry> {
    vec![
        parts(
            "name-limit-255",
            "USR-4",
            "a name may hold 255 characters",
            |_, it| it.rules.limits.name_characters = 255,
        ),
        parts(
            "name-limit-257",
            "USR-4",
            "a name may hold 257 characters",
            |_, it| it.rules.limits.name_characters = 257,
        ),
        parts(
            "name-bytes",
            "USR-4",
            "a name is measured in bytes",
            |_, it| {
                it.rules.name = |limits, text| {
                    if text.len() > limits.name_characters {
                        Err(Invalid::Name)
                    } else {
                        validate::name(limits, text)
                    }
                };
            },
        ),
        parts(
            "name-graphemes",
            "USR-4",
            "marks that combine do not count",
            |_, it| {
                it.rules.name = |limits, text| {
                    let marks = |it: &char| !matches!(it, '\u{300}'..='\u{36f}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}');
                    validate::name(limits, &text.chars().filter(marks).collect::<String>())
                };
            },
        ),
        parts(
            "name-trimmed",
            "USR-4",
            "white space around a name is taken off",
            |_, it| {
                on_create(it, |it| {
                    if !it.name.trim().is_empty() {
                        it.name = it
                            .name
                            .trim_matches(|it: char| it.is_whitespace() || it == '\u{feff}')
                            .to_owned();
                    }
                });
            },
        ),
        parts(
            "name-ascii-controls",
            "USR-4",
            "only control characters below U+0020 are refused in a name",
            |_, it| {
                it.rules.limits.is_control = |it| it < ' ';
            },
        ),
        parts(
            "name-lines",
            "USR-4",
            "line ends and tabs may stand in a name",
            |_, it| {
                it.rules.limits.is_control =
                    |it| it.is_control() && !matches!(it, '\n' | '\r' | '\t');
            },
        ),
        parts(
            "name-escaped",
            "USR-4",
            "angle brackets and ampersands are escaped",
            |_, it| {
                on_create(it, |it| {
                    it.name = it.name.replace('&', "&amp;").replace('<', "&lt;");
                });
            },
        ),
        parts(
            "name-composed",
            "USR-4",
            "letters and marks are composed",
            |_, it| {
                on_create(it, |it| {
                    it.name = it
                        .name
                        .replace("e\u{308}", "\u{eb}")
                        .replace('\u{212b}', "\u{c5}");
                });
            },
        ),
        parts(
            "name-private-refused",
            "USR-4",
            "private and unassigned characters are refused",
            |_, it| {
                it.rules.limits.is_control = |it| {
                    it.is_control()
                        || matches!(it, '\u{e000}'..='\u{f8ff}' | '\u{fffe}'..='\u{ffff}' | '\u{10fffe}'..)
                };
            },
        ),
    ]
}

fn metadata() -> Vec<Entry> {
    vec![
        parts(
            "metadata-63-entries",
            "USR-5",
            "metadata may hold 63 entries",
            |_, it| it.rules.limits.metadata_entries = 63,
        ),
        parts(
            "metadata-65-entries",
            "USR-5",
            "metadata may hold 65 entries",
            |_, it| it.rules.limits.metadata_entries = 1000,
        ),
        parts(
            "metadata-key-63",
            "USR-5",
            "a key may hold 63 characters",
            |_, it| it.rules.limits.metadata_key_characters = 63,
        ),
        parts(
            "metadata-key-unbounded",
            "USR-5",
            "a key may be empty or of any length",
            |_, it| {
                it.rules.metadata = |limits, entries| {
                    let entries = entries.iter().enumerate().map(|(index, (key, value))| {
                        let short: String = key.chars().take(60).collect();
                        (format!("{index}{short}"), value.clone())
                    });
                    validate::metadata(limits, &entries.collect())
                };
            },
        ),
        parts(
            "metadata-value-1023",
            "USR-5",
            "a value may hold 1,023 characters",
            |_, it| it.rules.limits.metadata_value_characters = 1023,
        ),
        parts(
            "metadata-value-unbounded",
            "USR-5",
            "a value may be of any length",
            |_, it| it.rules.limits.metadata_value_characters = usize::MAX,
        ),
        parts(
            "metadata-16000-bytes",
            "USR-5",
            "metadata may hold 16,000 bytes",
            |_, it| it.rules.limits.metadata_bytes = 16_000,
        ),
        parts(
            "metadata-values-alone",
            "USR-5",
            "keys do not count towards the bytes",
            |_, it| it.rules.limits.metadata_bytes = 17_000,
        ),
        parts(
            "metadata-controls",
            "USR-5",
            "control characters may stand in metadata",
            |_, it| {
                it.rules.metadata = |limits, entries| {
                    let plain = |it: &str| it.replace(char::is_control, "x");
                    validate::metadata(
                        limits,
                        &entries
                            .iter()
                            .map(|(key, value)| (plain(key), plain(value)))
                            .collect(),
                    )
                };
            },
        ),
        parts(
            "metadata-folded",
            "USR-5",
            "keys are trimmed, composed and put in lower case",
            |_, it| {
                on_create(it, |it| {
                    let fold = |key: &str| {
                        key.trim()
                            .to_lowercase()
                            .replace("e\u{301}", "\u{e9}")
                            .replace("__", "")
                            .replace('\u{feff}', "")
                    };
                    it.metadata = std::mem::take(&mut it.metadata)
                        .into_iter()
                        .map(|(key, value)| (fold(&key), value))
                        .collect();
                });
            },
        ),
        parts(
            "metadata-trimmed",
            "USR-5",
            "values are trimmed",
            |_, it| {
                on_create(it, |it| {
                    for value in it.metadata.values_mut() {
                        *value = value.trim().to_owned();
                    }
                });
            },
        ),
        parts(
            "metadata-not-listed",
            "USR-5",
            "lists leave metadata out",
            |_, it| {
                wire::answers::<user_proto::v1::ListUsersResponse>(it, "/ListUsers", |it| {
                    for user in &mut it.users {
                        user.metadata.clear();
                    }
                });
            },
        ),
    ]
}

/// Keeps a password as `how` makes of it.
struct Kept(fn(&str) -> String);

#[async_trait]
impl Hasher for Kept {
    async fn hash(&self, password: Password) -> Result<PasswordHash, HashError> {
        Ok(PasswordHash((self.0)(password.reveal())))
    }
}

fn hasher(it: &mut Parts, how: fn(&str) -> String) {
    it.hasher = std::sync::Arc::new(Kept(how));
}

fn passwords() -> Vec<Entry> {
    vec![
        parts(
            "password-required",
            "USR-6",
            "a password is required",
            |_, it| {
                on_create(it, |it| {
                    if it.password.is_empty() {
                        it.password = "x".to_owned();
                    }
                });
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
        parts(
            "password-returned",
            "USR-6",
            "the password comes back within the metadata",
            |_, it| {
                on_create(it, |it| {
                    if !it.password.is_empty() {
                        it.metadata.insert("note".to_owned(), it.password.clone());
                    }
                });
            },
        ),
    ]
}

fn hostile() -> Vec<Entry> {
    vec![
        parts(
            "hostile-name-filtered",
            "USR-17",
            "what looks like SQL or a template is cut out of a name",
            |_, it| on_create(it, |it| it.name = cut(&it.name)),
        ),
        parts(
            "hostile-email-filtered",
            "USR-17",
            "what looks like SQL or a template is cut out of an email",
            |_, it| on_create(it, |it| it.email = cut(&it.email)),
        ),
        parts(
            "hostile-metadata-filtered",
            "USR-17",
            "what looks like SQL or a template is cut out of metadata",
            |_, it| {
                on_create(it, |it| {
                    it.metadata = std::mem::take(&mut it.metadata)
                        .into_iter()
                        .map(|(key, value)| (cut(&key), cut(&value)))
                        .collect();
                });
            },
        ),
        parts(
            "hostile-is-internal",
            "USR-17",
            "a single quote, a per cent sign or a NUL in any field gives INTERNAL",
            |_, it| {
                for method in [
                    "CreateUser",
                    "GetUser",
                    "UpdateUser",
                    "DeleteUser",
                    "ListUsers",
                ] {
                    wire::refuse(it, method, |body| {
                        body.iter().any(|it| matches!(it, b'\'' | b'%' | b'{' | 0))
                    });
                }
            },
        ),
    ]
}

/// Without whatever means something to somebody.
fn cut(text: &str) -> String {
    ["'", "%", "{", "}", "\\", ";", "<", "$", "NULL", "../"]
        .iter()
        .fold(text.to_owned(), |text, word| text.replace(word, "-"))
}
