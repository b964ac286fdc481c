//! The filter of a list: `status=ACTIVE AND name="Ada Lovelace"`.

use serde::Serialize;

use crate::invalid::Invalid;
use crate::user::{User, UserStatus};

/// What stands between two terms.
const AND: &str = " AND ";

/// Which users are wanted: those that match all present terms (USR-14). However many terms
/// a client writes, this is no larger than one of each.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Filter {
    /// Their status.
    pub status: Option<UserStatus>,
    /// Their email, its ASCII letters in lower case.
    pub email: Option<String>,
    /// Their name.
    pub name: Option<String>,
    /// Whether no user can be meant, since two terms contradict each other.
    pub is_contradictory: bool,
}

impl Filter {
    /// Whether a user is wanted, as the statement of a list would say it.
    pub fn matches(&self, user: &User) -> bool {
        let is = |wanted: &Option<String>, value: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted == value)
        };
        !self.is_contradictory
            && self.status.is_none_or(|wanted| wanted == user.status)
            && is(&self.email, &user.email.to_ascii_lowercase())
            && is(&self.name, &user.name)
    }

    /// Adds the term `field=value`.
    pub fn require(&mut self, field: &str, value: String) -> Result<(), Invalid> {
        // No stored text holds NUL, and PostgreSQL refuses it in a query.
        self.is_contradictory |= value.contains('\0');
        let contradicts = match field {
            "status" => {
                let status = UserStatus::from_name(&value).ok_or(Invalid::Filter)?;
                self.status
                    .replace(status)
                    .is_some_and(|earlier| earlier != status)
            }
            "email" => require_text(&mut self.email, value.to_ascii_lowercase()),
            "name" => require_text(&mut self.name, value),
            _ => return Err(Invalid::Filter),
        };
        self.is_contradictory |= contradicts;
        Ok(())
    }
}

/// Whether an earlier term wants another text.
fn require_text(wanted: &mut Option<String>, value: String) -> bool {
    let contradicts = wanted.as_ref().is_some_and(|earlier| *earlier != value);
    *wanted = Some(value);
    contradicts
}

/// Reads a filter; an empty one matches every user (USR-14).
pub fn parse(text: &str) -> Result<Filter, Invalid> {
    let mut filter = Filter::default();
    let mut rest = text;
    while !rest.is_empty() {
        let (field, after_field) = rest.split_once('=').ok_or(Invalid::Filter)?;
        let (value, after_value) = take_value(after_field)?;
        filter.require(field, value)?;
        rest = match after_value {
            "" => "",
            // A term must follow: ` AND ` at the end is as wrong as anything else.
            more => more
                .strip_prefix(AND)
                .filter(|term| !term.is_empty())
                .ok_or(Invalid::Filter)?,
        };
    }
    Ok(filter)
}

/// A value, and what follows it.
fn take_value(text: &str) -> Result<(String, &str), Invalid> {
    if let Some(quoted) = text.strip_prefix('"') {
        return take_quoted(quoted);
    }
    let end = text.find([' ', '"', '\\']).unwrap_or(text.len());
    match text.split_at(end) {
        ("", _) => Err(Invalid::Filter),
        (value, rest) => Ok((value.to_owned(), rest)),
    }
}

/// The rest of a text in double quotes, and what follows it.
fn take_quoted(text: &str) -> Result<(String, &str), Invalid> {
    let mut value = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => return Ok((value, characters.as_str())),
            '\\' => match characters.next() {
                Some(escaped @ ('"' | '\\')) => value.push(escaped),
                _ => return Err(Invalid::Filter),
            },
            other => value.push(other),
        }
    }
    Err(Invalid::Filter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Filter) {
        assert_eq!(parse(text), Ok(expected), "{text:?}");
    }

    #[track_caller]
    fn check_name(text: &str, expected: &str) {
        check(
            text,
            Filter {
                name: Some(expected.to_owned()),
                ..Filter::default()
            },
        );
    }

    #[test]
    fn an_empty_filter_wants_everyone() {
        check("", Filter::default());
    }

    #[test]
    fn all_terms_hold() {
        check(
            r#"status=SUSPENDED AND email=Ada@Example.com AND name="Ada L""#,
            Filter {
                status: Some(UserStatus::Suspended),
                email: Some("ada@example.com".to_owned()),
                name: Some("Ada L".to_owned()),
                is_contradictory: false,
            },
        );
    }

    #[test]
    fn a_bare_value_ends_at_a_blank() {
        check_name("name=a=b", "a=b");
        check_name("name=AND", "AND");
        check_name("name=%_'--", "%_'--");
        check_name("name=a\tb", "a\tb");
    }

    #[test]
    fn in_quotes_anything_is_text() {
        check_name(r#"name="a AND status=ACTIVE""#, "a AND status=ACTIVE");
        check_name(r#"name="say \"hi\" \\""#, r#"say "hi" \"#);
        check_name(r#"name="""#, "");
    }

    #[test]
    fn a_field_may_come_twice() {
        check_name("name=Ada AND name=Ada", "Ada");
        check(
            "email=A@b AND email=a@B",
            Filter {
                email: Some("a@b".to_owned()),
                ..Filter::default()
            },
        );
        for text in [
            "name=Ada AND name=Bob",
            "status=ACTIVE AND status=INACTIVE",
            "name=a\0b",
        ] {
            assert!(parse(text).expect("a filter").is_contradictory, "{text:?}");
        }
    }

    #[test]
    fn anything_else_is_invalid() {
        for text in [
            " ",
            "name",
            "name=",
            "=Ada",
            "Name=Ada",
            "name =Ada",
            "name= Ada",
            " name=Ada",
            "name=Ada ",
            "id=1",
            "status=active",
            "status=UNSPECIFIED",
            "status=",
            "name=Ada AND",
            "name=Ada AND ",
            " AND name=Ada",
            "name=Ada AND  name=Ada",
            "name=Ada  AND name=Ada",
            "name=Ada and name=Ada",
            "name=Ada OR name=Bob",
            "name=a\"b",
            "name=a\\b",
            r#"name="Ada"#,
            r#"name="Ada"x"#,
            r#"name="a\n""#,
            r#"name="a\"#,
            "name!=Ada",
        ] {
            assert_eq!(parse(text), Err(Invalid::Filter), "{text:?}");
        }
    }

    #[test]
    fn many_terms_are_no_larger_than_one() {
        let text = vec!["status=ACTIVE"; 100_000].join(AND);
        check(
            &text,
            Filter {
                status: Some(UserStatus::Active),
                ..Filter::default()
            },
        );
    }
}
