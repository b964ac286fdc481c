//! What a filter means (USR-14): text in, terms out.

use user_proto::v1::UserStatus;

use crate::model::{FilterTerm, status_word};

const JOINT: &str = " AND ";

/// The terms, all of which must hold; nothing where the text is no filter.
pub fn parse(text: &str) -> Option<Vec<FilterTerm>> {
    let mut terms = Vec::new();
    if text.is_empty() {
        return Some(terms);
    }
    let mut rest = text;
    loop {
        let (term, after) = term(rest)?;
        terms.push(term);
        if after.is_empty() {
            return Some(terms);
        }
        rest = after.strip_prefix(JOINT)?;
    }
}

/// The first term, and what follows it.
fn term(text: &str) -> Option<(FilterTerm, &str)> {
    let (field, text) = text.split_once('=')?;
    if field == "status" {
        let end = text.find(' ').unwrap_or(text.len());
        let (word, rest) = text.split_at(end);
        return Some((FilterTerm::Status(status(word)?), rest));
    }
    let quoted = text.starts_with('"');
    let (value, rest) = if quoted {
        in_quotes(&text[1..])?
    } else {
        bare(text)?
    };
    match field {
        "email" => Some((FilterTerm::Email(value, quoted), rest)),
        "name" => Some((FilterTerm::Name(value, quoted), rest)),
        _ => None,
    }
}

fn status(word: &str) -> Option<UserStatus> {
    [
        UserStatus::Active,
        UserStatus::Inactive,
        UserStatus::Suspended,
    ]
    .into_iter()
    .find(|it| status_word(*it) == word)
}

/// A value up to the first space.
fn bare(text: &str) -> Option<(String, &str)> {
    let (value, rest) = text.split_at(text.find(' ').unwrap_or(text.len()));
    let clean = !value.is_empty() && !value.contains(['"', '\\']);
    clean.then(|| (value.to_owned(), rest))
}

/// A value whose first quote is already read, up to the closing one.
fn in_quotes(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((index, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, &text[index + 1..])),
            '\\' => match letters.next()? {
                (_, it @ ('"' | '\\')) => value.push(it),
                _ => return None,
            },
            _ => value.push(letter),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model;

    #[track_caller]
    fn refused(text: &str) {
        assert_eq!(parse(text), None, "{text:?}");
    }

    #[test]
    fn terms_are_joined_by_and() {
        let terms = parse(r#"status=ACTIVE AND name="a AND b" AND email=A@b"#);
        let wanted = vec![
            FilterTerm::Status(UserStatus::Active),
            FilterTerm::Name("a AND b".to_owned(), true),
            FilterTerm::Email("A@b".to_owned(), false),
        ];
        assert_eq!(terms, Some(wanted));
        assert_eq!(parse(""), Some(Vec::new()));
    }

    #[test]
    fn anything_else_is_no_filter() {
        for text in [
            " ",
            "name",
            "name=",
            "Name=a",
            "age=3",
            "status=active",
            "status=UNSPECIFIED",
            "status=",
            "name=a b",
            "name=a AND ",
            "name=a and name=b",
            "name=a  AND name=b",
            " name=a",
            "name=a ",
            "name=\"a",
            "name=\"a\\n\"",
            "name=\"a\"b",
            "name=a\"b",
            "name=a\\b",
            "name = a",
            "name=a OR name=b",
        ] {
            refused(text);
        }
    }

    proptest! {
        #[test]
        fn what_the_model_writes_is_read_as_meant(
            values in proptest::collection::vec((any::<bool>(), any::<String>(), any::<bool>()), 0..4),
        ) {
            let terms: Vec<FilterTerm> = values
                .into_iter()
                .map(|(is_name, text, quoted)| {
                    // The model quotes what cannot stand bare.
                    let quoted = model::value(&text, quoted).starts_with('"');
                    if is_name { FilterTerm::Name(text, quoted) } else { FilterTerm::Email(text, quoted) }
                })
                .collect();
            prop_assert_eq!(parse(&model::filter(&terms)), Some(terms));
        }

        #[test]
        fn no_text_makes_it_fail(text in any::<String>()) {
            let _ = parse(&text);
        }
    }
}
