//! One field of a user and a value for it, as features describe them in words.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;
use user_proto::v1::{CreateUserRequest, UpdateUserRequest, UserStatus};

/// One field and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldValue {
    /// `email`.
    Email(String),
    /// `name`.
    Name(String),
    /// `password`.
    Password(String),
    /// `status`, by number, so that unknown ones can be sent.
    Status(i32),
    /// `metadata`, all of it.
    Metadata(BTreeMap<String, String>),
}

impl FieldValue {
    /// Sets the field in a create request, which has no status.
    pub fn set_in_create(self, request: &mut CreateUserRequest) {
        match self {
            Self::Email(value) => request.email = value,
            Self::Name(value) => request.name = value,
            Self::Password(value) => request.password = value,
            Self::Metadata(value) => request.metadata.extend(value),
            Self::Status(_) => {}
        }
    }

    /// Sets the field in an update request, which has no password.
    pub fn set_in_update(self, request: &mut UpdateUserRequest) {
        match self {
            Self::Email(value) => request.email = Some(value),
            Self::Name(value) => request.name = Some(value),
            Self::Status(value) => request.status = Some(value),
            Self::Metadata(value) => request.metadata.extend(value),
            Self::Password(_) => {}
        }
    }

    /// A value by the field's name in a table: `email`, `metadata.title`, `metadata key`.
    pub fn by_name(field: &str, value: String) -> Result<Self, String> {
        Ok(match field {
            "email" => Self::Email(value),
            "name" => Self::Name(value),
            "password" => Self::Password(value),
            "status" => Self::Status(status(&value)?),
            "metadata key" => Self::Metadata(BTreeMap::from([(value, "value".to_owned())])),
            "metadata value" => Self::Metadata(BTreeMap::from([("key".to_owned(), value)])),
            other => match other.strip_prefix("metadata.") {
                Some(key) => Self::Metadata(BTreeMap::from([(key.to_owned(), value)])),
                None => return Err(format!("a user has no field {other:?}")),
            },
        })
    }

    /// A value by its description: `a name of 256 characters of 4 bytes each`; `unique` makes emails unique.
    pub fn from_description(what: &str, unique: &str) -> Result<Self, String> {
        for (pattern, make) in DESCRIPTIONS.iter() {
            if let Some(found) = pattern.captures(what) {
                let number =
                    |index: usize| found.get(index).and_then(|it| it.as_str().parse().ok());
                return Ok(make(&Description {
                    number: &number,
                    text: found.get(1).map_or("", |it| it.as_str()),
                    unique,
                }));
            }
        }
        Err(format!(
            "unknown description {what:?}; known: an email of N bytes, a name of N characters, a password of N characters, metadata of N entries, metadata of N bytes in all, the status `S`"
        ))
    }
}

/// A status by its word in the contract, or by its number.
pub fn status(word: &str) -> Result<i32, String> {
    UserStatus::from_str_name(&format!("USER_STATUS_{word}"))
        .map(|it| it as i32)
        .or_else(|| word.parse().ok())
        .ok_or_else(|| format!("{word:?} is no status"))
}

/// The numbers of a description, and the text that makes its emails unique.
struct Description<'a> {
    number: &'a dyn Fn(usize) -> Option<usize>,
    text: &'a str,
    unique: &'a str,
}

type Make = fn(&Description<'_>) -> FieldValue;

static DESCRIPTIONS: LazyLock<Vec<(Regex, Make)>> = LazyLock::new(|| {
    let describe =
        |pattern: &str, make: Make| (Regex::new(pattern).expect("a valid pattern"), make);
    vec![
        describe(
            r"^an email of (\d+) bytes(?: with (\d+) bytes? before the @)?(?: in letters of (\d) bytes)?$",
            |description| {
                FieldValue::Email(email(
                    description.unique,
                    (description.number)(1),
                    (description.number)(2),
                    (description.number)(3),
                ))
            },
        ),
        describe(
            r"^an email with (\d+) bytes before the @(?: in letters of (\d) bytes)?$",
            |it| FieldValue::Email(email(it.unique, None, (it.number)(1), (it.number)(2))),
        ),
        describe(
            r"^a name of (\d+) characters?(?: of (\d) bytes each)?$",
            |it| FieldValue::Name(letters((it.number)(1), (it.number)(2))),
        ),
        describe(
            r"^a password of (\d+) characters?(?: of (\d) bytes each)?$",
            |it| FieldValue::Password(letters((it.number)(1), (it.number)(2))),
        ),
        describe(r"^metadata of (\d+) (?:entry|entries)$", |description| {
            let entry = |index: usize| (format!("key{index}"), "v".to_owned());
            FieldValue::Metadata(
                (0..(description.number)(1).unwrap_or(0))
                    .map(entry)
                    .collect(),
            )
        }),
        describe(
            r"^metadata with a key of (\d+) characters?(?: of (\d) bytes each)?$",
            |description| {
                FieldValue::Metadata(BTreeMap::from([(
                    letters((description.number)(1), (description.number)(2)),
                    "value".to_owned(),
                )]))
            },
        ),
        describe(
            r"^metadata with a value of (\d+) characters?(?: of (\d) bytes each)?$",
            |description| {
                FieldValue::Metadata(BTreeMap::from([(
                    "key".to_owned(),
                    letters((description.number)(1), (description.number)(2)),
                )]))
            },
        ),
        describe(r"^metadata of (\d+) bytes in all$", |description| {
            FieldValue::Metadata(metadata((description.number)(1), "a"))
        }),
        describe(
            r"^metadata of (\d+) bytes in all, in characters of 4 bytes$",
            |it| FieldValue::Metadata(metadata((it.number)(1), "\u{1f600}")),
        ),
        describe(
            r"^metadata of (\d+) bytes in all, in quotation marks$",
            |it| FieldValue::Metadata(metadata((it.number)(1), "\"")),
        ),
        describe(r"^the status `(.*)`$", |description| {
            FieldValue::Status(status(description.text).unwrap_or(0))
        }),
    ]
});

/// A letter with this many bytes in UTF-8.
fn letter(bytes: Option<usize>) -> &'static str {
    match bytes {
        Some(2) => "\u{e9}",
        Some(3) => "\u{20ac}",
        Some(4) => "\u{1f600}",
        _ => "a",
    }
}

fn letters(count: Option<usize>, bytes: Option<usize>) -> String {
    letter(bytes).repeat(count.unwrap_or(0))
}

/// A text of this many bytes: `start`, then letters, then single bytes for the rest.
fn filled(start: &str, bytes: usize, letter: &str) -> String {
    let mut text = start
        .get(..bytes.min(start.len()))
        .unwrap_or_default()
        .to_owned();
    while text.len() + letter.len() <= bytes {
        text.push_str(letter);
    }
    while text.len() < bytes {
        text.push('a');
    }
    text
}

/// An email of `total` bytes with `local` bytes before the @; unique by the longer of its parts.
fn email(unique: &str, total: Option<usize>, local: Option<usize>, bytes: Option<usize>) -> String {
    let letter = letter(bytes);
    let local = local.unwrap_or(32);
    let domain = total.map_or(20, |it| it.saturating_sub(local + 1));
    let (first, second) = if local >= unique.len() {
        (unique, "")
    } else {
        ("", unique)
    };
    format!(
        "{}@{}",
        filled(first, local, letter),
        filled(second, domain, letter)
    )
}

/// Metadata of this many bytes including keys, each value within its own limit.
fn metadata(bytes: Option<usize>, letter: &str) -> BTreeMap<String, String> {
    let mut left = bytes.unwrap_or(0);
    let mut entries = BTreeMap::new();
    while left > 0 {
        let key = format!("k{:02}", entries.len());
        // 1,000 bytes are at most 1,000 characters, and 17 entries are within 64.
        let size = left.saturating_sub(key.len()).min(1000);
        // What is left must be room for a further key and a byte of value, or nothing.
        let size = if (1..=key.len()).contains(&(left.saturating_sub(key.len() + size))) {
            size - 4
        } else {
            size
        };
        left -= key.len() + size;
        entries.insert(key, filled("", size, letter));
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(what: &str) -> FieldValue {
        FieldValue::from_description(what, "0123456789ab").expect("known words")
    }

    #[test]
    fn an_email_has_the_bytes_that_its_words_say() {
        let check = |what: &str, total: usize, local: usize| {
            let FieldValue::Email(email) = described(what) else {
                panic!("an email")
            };
            assert_eq!(email.len(), total, "{email}");
            assert_eq!(email.find('@'), Some(local), "{email}");
            assert!(email.contains("0123456789ab"), "{email} is not unique");
        };
        check("an email of 254 bytes", 254, 32);
        check("an email of 255 bytes in letters of 2 bytes", 255, 32);
        check("an email of 254 bytes with 1 byte before the @", 254, 1);
        check(
            "an email with 65 bytes before the @ in letters of 4 bytes",
            86,
            65,
        );
    }

    #[test]
    fn metadata_has_the_bytes_that_its_words_say() {
        for bytes in [16384, 16385] {
            for how in ["", ", in characters of 4 bytes", ", in quotation marks"] {
                let FieldValue::Metadata(entries) =
                    described(&format!("metadata of {bytes} bytes in all{how}"))
                else {
                    panic!("metadata")
                };
                let size: usize = entries
                    .iter()
                    .map(|(key, value)| key.len() + value.len())
                    .sum();
                assert_eq!(size, bytes);
                assert!(entries.len() <= 64);
                assert!(entries.values().all(|it| it.chars().count() <= 1024));
            }
        }
    }

    #[test]
    fn unknown_words_are_refused() {
        assert!(FieldValue::from_description("an email of some bytes", "x").is_err());
        assert!(FieldValue::by_name("colour", String::new()).is_err());
    }
}
