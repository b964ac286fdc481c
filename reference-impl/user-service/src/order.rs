//! The order of a list: `order_by`.

use serde::Serialize;

use crate::invalid::Invalid;

/// What users are sorted by; those that tie are sorted by id, in the same direction (USR-13).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Order {
    /// The field compared first.
    pub field: Field,
    /// Whether the greatest comes first.
    pub descending: bool,
}

/// A field that users can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// When they were created.
    CreatedAt,
    /// When they last changed.
    UpdatedAt,
    /// Email as stored, by code point.
    Email,
    /// Name, by code point.
    Name,
}

impl Field {
    /// Every field that users can be sorted by.
    pub const ALL: [Self; 4] = [Self::CreatedAt, Self::UpdatedAt, Self::Email, Self::Name];

    /// Its name in `order_by` and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::CreatedAt => "created_at",
            Self::UpdatedAt => "updated_at",
            Self::Email => "email",
            Self::Name => "name",
        }
    }
}

/// Reads an `order_by`; empty means `created_at asc` (USR-13).
pub fn parse(text: &str) -> Result<Order, Invalid> {
    let (name, descending) = match text.split_once(' ') {
        None if text.is_empty() => (Field::CreatedAt.name(), false),
        None => (text, false),
        Some((name, "asc")) => (name, false),
        Some((name, "desc")) => (name, true),
        Some(_) => return Err(Invalid::OrderBy),
    };
    Field::ALL
        .into_iter()
        .find(|field| field.name() == name)
        .map(|field| Order { field, descending })
        .ok_or(Invalid::OrderBy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<(Field, bool)>) {
        let expected = expected
            .map(|(field, descending)| Order { field, descending })
            .ok_or(Invalid::OrderBy);
        assert_eq!(parse(text), expected, "{text:?}");
    }

    #[test]
    fn a_field_and_optionally_a_direction() {
        check("", Some((Field::CreatedAt, false)));
        check("created_at", Some((Field::CreatedAt, false)));
        check("updated_at asc", Some((Field::UpdatedAt, false)));
        check("email desc", Some((Field::Email, true)));
        check("name", Some((Field::Name, false)));
    }

    #[test]
    fn anything_else_is_invalid() {
        for text in [
            " ",
            "id",
            "Email",
            "email ASC",
            "email  asc",
            " email",
            "email ",
            "email asc ",
            "email desc asc",
            "email asc asc",
            "asc",
            "email,name",
            "email\tasc",
            "email; DROP TABLE users",
        ] {
            check(text, None);
        }
    }
}
