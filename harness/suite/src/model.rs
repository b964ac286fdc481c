//! Users as the contract describes them, without a service: filters, orders, valid fields.

use std::cmp::Ordering;
use std::fmt::Write as _;

use user_proto::v1::{User, UserStatus};

/// A sort key of `order_by` (USR-13).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortKey {
    /// By time of creation.
    CreatedAt,
    /// By time of the last change.
    UpdatedAt,
    /// By email, by code point.
    Email,
    /// By name, by code point.
    Name,
}

impl SortKey {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::CreatedAt, Self::UpdatedAt, Self::Email, Self::Name];

    /// The word in `order_by`.
    pub fn word(self) -> &'static str {
        match self {
            Self::CreatedAt => "created_at",
            Self::UpdatedAt => "updated_at",
            Self::Email => "email",
            Self::Name => "name",
        }
    }

    /// How two users compare. Rust compares text by its UTF-8, which is by code point.
    pub fn compare(self, a: &User, b: &User) -> Ordering {
        let time = |it: &Option<prost_types::Timestamp>| it.map(|it| (it.seconds, it.nanos));
        match self {
            Self::CreatedAt => time(&a.created_at).cmp(&time(&b.created_at)),
            Self::UpdatedAt => time(&a.updated_at).cmp(&time(&b.updated_at)),
            Self::Email => a.email.cmp(&b.email),
            Self::Name => a.name.cmp(&b.name),
        }
    }
}

/// One term of a filter (USR-14).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FilterTerm {
    /// `status=S`.
    Status(UserStatus),
    /// `email=VALUE`; with the flag it is quoted.
    Email(String, bool),
    /// `name=VALUE`; with the flag it is quoted.
    Name(String, bool),
}

impl FilterTerm {
    /// Whether it matches the user: emails without regard to ASCII case, names exactly.
    pub fn holds(&self, user: &User) -> bool {
        match self {
            Self::Status(status) => user.status == *status as i32,
            Self::Email(value, _) => value.eq_ignore_ascii_case(&user.email),
            Self::Name(value, _) => *value == user.name,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Status(status) => format!("status={}", status_word(*status)),
            Self::Email(text, quoted) => format!("email={}", value(text, *quoted)),
            Self::Name(text, quoted) => format!("name={}", value(text, *quoted)),
        }
    }
}

/// The filter's word for a status.
pub fn status_word(status: UserStatus) -> &'static str {
    status.as_str_name().trim_start_matches("USER_STATUS_")
}

/// A filter of these terms, joined as USR-14 says.
pub fn filter(terms: &[FilterTerm]) -> String {
    let texts: Vec<String> = terms.iter().map(FilterTerm::text).collect();
    texts.join(" AND ")
}

/// A VALUE: bare where that is possible and `quoted` is not set, else in quotes.
///
/// White space other than U+0020 in a bare value is undefined by the contract, so such text is always quoted.
pub fn value(text: &str, quoted: bool) -> String {
    let bare = !text.is_empty()
        && !text.contains(|it: char| it.is_whitespace() || it == '"' || it == '\\');
    if bare && !quoted {
        return text.to_owned();
    }
    let mut out = String::from("\"");
    for letter in text.chars() {
        if matches!(letter, '"' | '\\') {
            out.push('\\');
        }
        let _ = write!(out, "{letter}");
    }
    out.push('"');
    out
}

/// Whether an email is valid (USR-3).
pub fn email_is_valid(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    !local.is_empty()
        && local.len() <= 64
        && !domain.is_empty()
        && !domain.contains('@')
        && text.len() <= 254
        && !text.contains(|it: char| it.is_whitespace() || it.is_control())
}

/// Whether a name is valid (USR-2, USR-4).
pub fn name_is_valid(text: &str) -> bool {
    !text.chars().all(char::is_whitespace)
        && text.chars().count() <= 256
        && !text.contains(char::is_control)
}

/// Whether metadata is valid (USR-5).
pub fn metadata_is_valid<'a>(
    entries: impl Iterator<Item = (&'a String, &'a String)> + Clone,
) -> bool {
    entries.clone().count() <= 64
        && entries
            .clone()
            .map(|(key, value)| key.len() + value.len())
            .sum::<usize>()
            <= 16 << 10
        && entries.into_iter().all(|(key, value)| {
            (1..=64).contains(&key.chars().count())
                && value.chars().count() <= 1024
                && !key.contains(char::is_control)
                && !value.contains(char::is_control)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_quoted_when_it_must_be() {
        assert_eq!(value("a", false), "a");
        assert_eq!(value("a", true), "\"a\"");
        assert_eq!(value("", false), "\"\"");
        assert_eq!(value("a b", false), "\"a b\"");
        assert_eq!(value("a\"\\", false), r#""a\"\\""#);
    }

    #[test]
    fn white_space_and_control_characters_are_unicodes() {
        assert!(!email_is_valid("a\u{a0}@b"));
        assert!(!email_is_valid("a\u{85}@b"));
        assert!(email_is_valid("a\u{200b}@b"));
        assert!(!name_is_valid("\u{3000}"));
        assert!(!name_is_valid("a\u{9f}"));
        assert!(name_is_valid("\u{feff}"));
    }

    #[test]
    fn the_limits_of_an_email_are_bytes() {
        assert!(email_is_valid(&format!("{}@b", "é".repeat(32))));
        assert!(!email_is_valid(&format!("{}@b", "é".repeat(33))));
    }
}
