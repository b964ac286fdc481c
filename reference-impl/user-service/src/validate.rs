//! What a user's fields may hold.

use std::ops::RangeInclusive;

use uuid::Uuid;

use crate::invalid::Invalid;
use crate::status::Refusal;
use crate::store::StoreError;
use crate::user::{Metadata, UserStatus};

const EMAIL_BYTES: usize = 254;
const EMAIL_LOCAL_BYTES: usize = 64;
const NAME_CHARACTERS: usize = 256;
const METADATA_ENTRIES: usize = 64;
const METADATA_KEY_CHARACTERS: usize = 64;
const METADATA_VALUE_CHARACTERS: usize = 1024;
/// Keys and values together.
const METADATA_BYTES: usize = 16 * 1024;
const PASSWORD_CHARACTERS: RangeInclusive<usize> = 8..=128;
/// What `page_size` 0 means.
const PAGE_SIZE_DEFAULT: u32 = 20;
const PAGE_SIZE_MAX: u32 = 100;

/// USR-2, USR-3: exactly one `@`, something on both sides of it, no white space or control character.
pub fn email(text: &str) -> Result<(), Invalid> {
    if text.is_empty() {
        return Err(Invalid::EmailMissing);
    }
    let (local, domain) = text.split_once('@').ok_or(Invalid::Email)?;
    let is_strange =
        |character: char| character.is_whitespace() || character.is_control() || character == '@';
    let is_valid = (1..=EMAIL_LOCAL_BYTES).contains(&local.len())
        && !domain.is_empty()
        && text.len() <= EMAIL_BYTES
        && !local.contains(is_strange)
        && !domain.contains(is_strange);
    is_valid.then_some(()).ok_or(Invalid::Email)
}

/// USR-2, USR-4: not only white space, no control character.
pub fn name(text: &str) -> Result<(), Invalid> {
    if text.chars().all(char::is_whitespace) {
        return Err(Invalid::NameMissing);
    }
    let is_valid = text.chars().count() <= NAME_CHARACTERS && !text.contains(char::is_control);
    is_valid.then_some(()).ok_or(Invalid::Name)
}

/// USR-5
pub fn metadata(metadata: &Metadata) -> Result<(), Invalid> {
    let is_key = |key: &str| (1..=METADATA_KEY_CHARACTERS).contains(&key.chars().count());
    let is_value = |value: &str| value.chars().count() <= METADATA_VALUE_CHARACTERS;
    let is_plain = |text: &str| !text.contains(char::is_control);
    let bytes: usize = metadata
        .iter()
        .map(|(key, value)| key.len() + value.len())
        .sum();
    let is_valid = metadata.len() <= METADATA_ENTRIES
        && bytes <= METADATA_BYTES
        && metadata
            .iter()
            .all(|(key, value)| is_key(key) && is_value(value) && is_plain(key) && is_plain(value));
    is_valid.then_some(()).ok_or(Invalid::Metadata)
}

/// USR-6, of a password that was given.
pub fn password(text: &str) -> Result<(), Invalid> {
    let is_valid = PASSWORD_CHARACTERS.contains(&text.chars().count());
    is_valid.then_some(()).ok_or(Invalid::Password)
}

/// USR-2, USR-8: an id. Only the very text that was given out names a user.
pub fn id(text: &str) -> Result<Uuid, Refusal> {
    if text.is_empty() {
        return Err(Invalid::IdMissing.into());
    }
    Uuid::parse_str(text)
        .ok()
        .filter(|id| id.to_string() == text)
        .ok_or_else(|| StoreError::NotFound.into())
}

/// USR-9: a status by its number on the wire.
pub fn status(number: i32) -> Result<UserStatus, Invalid> {
    UserStatus::ALL
        .into_iter()
        .find(|status| crate::wire::status_number(*status) == number)
        .ok_or(Invalid::Status)
}

/// USR-12
pub fn page_size(requested: i32) -> u32 {
    let size = u32::try_from(requested).ok().filter(|size| *size > 0);
    size.map_or(PAGE_SIZE_DEFAULT, |size| size.min(PAGE_SIZE_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_email(text: &str, expected: Result<(), Invalid>) {
        assert_eq!(email(text), expected, "{text:?}");
    }

    #[track_caller]
    fn check_name(text: &str, expected: Result<(), Invalid>) {
        assert_eq!(name(text), expected, "{text:?}");
    }

    #[track_caller]
    fn check_metadata<const N: usize>(entries: [(&str, &str); N], expected: Result<(), Invalid>) {
        let entries = entries.map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(metadata(&entries.into()), expected);
    }

    #[test]
    fn an_email_has_one_at_and_two_sides() {
        check_email("a@b", Ok(()));
        check_email("é@例え.jp", Ok(()));
        check_email("%_'\"\\@x", Ok(()));
        check_email("", Err(Invalid::EmailMissing));
        for text in [
            "a",
            "@",
            "@b",
            "a@",
            "a@b@c",
            "a@@b",
            " ",
            "a b@c",
            "a@b ",
            "a@\u{3000}b",
            "a\n@b",
            "a\0@b",
            "a\u{85}@b",
            "a\u{7f}@b",
            "a\u{a0}@b",
        ] {
            check_email(text, Err(Invalid::Email));
        }
    }

    #[test]
    fn an_email_is_measured_in_bytes() {
        let (local, domain) = ("l".repeat(64), "d".repeat(189));
        check_email(&format!("{local}@{domain}"), Ok(()));
        check_email(&format!("{local}@{domain}d"), Err(Invalid::Email));
        check_email(&format!("{local}l@d"), Err(Invalid::Email));
        check_email(&format!("{}@d", "é".repeat(32)), Ok(()));
        check_email(&format!("{}@d", "é".repeat(33)), Err(Invalid::Email));
    }

    #[test]
    fn a_name_is_measured_in_characters() {
        check_name(&"語".repeat(256), Ok(()));
        check_name(&"a".repeat(257), Err(Invalid::Name));
        check_name(" a ", Ok(()));
        check_name("\u{200b}", Ok(()));
        for blank in ["", " ", "\u{2003}\u{3000}"] {
            check_name(blank, Err(Invalid::NameMissing));
        }
        for strange in ["a\nb", "a\0", "a\u{9f}", "\u{1}"] {
            check_name(strange, Err(Invalid::Name));
        }
    }

    #[test]
    fn metadata_has_limits_in_characters_and_bytes() {
        let (key, value) = ("語".repeat(64), "語".repeat(1024));
        check_metadata([(&key, &value), ("k", "")], Ok(()));
        check_metadata([(&format!("{key}k"), "")], Err(Invalid::Metadata));
        check_metadata([("k", &format!("{value}v"))], Err(Invalid::Metadata));
        check_metadata([("", "v")], Err(Invalid::Metadata));
        check_metadata([("k", "a\tb")], Err(Invalid::Metadata));
        check_metadata([("a\u{80}", "")], Err(Invalid::Metadata));
    }

    #[test]
    fn metadata_holds_64_entries_and_16_kib() {
        let many = |n: usize| {
            (0..n)
                .map(|i| (format!("{i:02}"), String::new()))
                .collect::<Metadata>()
        };
        assert_eq!(metadata(&many(64)), Ok(()));
        assert_eq!(metadata(&many(65)), Err(Invalid::Metadata));
        let mut full: Metadata = (0..16)
            .map(|i| (format!("{i:02}"), "v".repeat(1022)))
            .collect();
        assert_eq!(metadata(&full), Ok(()));
        full.insert("k".to_owned(), String::new());
        assert_eq!(metadata(&full), Err(Invalid::Metadata));
    }

    #[test]
    fn a_password_has_8_to_128_characters() {
        for (length, expected) in [
            (7, Err(Invalid::Password)),
            (8, Ok(())),
            (128, Ok(())),
            (129, Err(Invalid::Password)),
        ] {
            assert_eq!(password(&"é".repeat(length)), expected, "{length}");
        }
    }

    #[test]
    fn an_id_is_the_very_text_that_was_given_out() {
        let text = "01a20de7-258a-7416-8aa5-3b3f7da3f90e";
        assert_eq!(id(text).expect("an id").to_string(), text);
        assert!(matches!(id(""), Err(Refusal::Invalid(Invalid::IdMissing))));
        for strange in [
            "x",
            "\0",
            "\u{1f600}",
            &text.to_uppercase(),
            &text.replace('-', ""),
            &format!("{{{text}}}"),
        ] {
            assert!(
                matches!(id(strange), Err(Refusal::Store(StoreError::NotFound))),
                "{strange:?}"
            );
        }
    }

    #[test]
    fn a_status_is_one_of_three() {
        assert_eq!(status(1), Ok(UserStatus::Active));
        assert_eq!(status(3), Ok(UserStatus::Suspended));
        for number in [0, 4, -1] {
            assert_eq!(status(number), Err(Invalid::Status));
        }
    }

    #[test]
    fn a_page_holds_1_to_100() {
        for (requested, expected) in [
            (i32::MIN, 20),
            (0, 20),
            (1, 1),
            (100, 100),
            (101, 100),
            (i32::MAX, 100),
        ] {
            assert_eq!(page_size(requested), expected, "{requested}");
        }
    }
}
