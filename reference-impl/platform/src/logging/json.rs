//! An event as a JSON object.

use std::fmt::Write as _;

use serde_json::Value;

use super::record::{Record, is_unsafe, push_escaped};

/// One line of JSON (LOG-1, LOG-5).
pub(super) fn render(record: &Record) -> String {
    let mut line = String::with_capacity(256);
    for (key, value) in record.members() {
        line.push(if line.is_empty() { '{' } else { ',' });
        write!(line, "{}:{value}", Value::from(key)).expect("a String takes everything");
    }
    line.push('}');
    if line.contains(is_unsafe) {
        escape_rest(&line)
    } else {
        line
    }
}

/// Escapes what JSON allows to stand bare, but a reader of lines may not (U+0085, U+2028, ...).
/// They can stand only within strings, where an escape means the same.
fn escape_rest(json: &str) -> String {
    let mut line = String::with_capacity(json.len());
    for character in json.chars() {
        if is_unsafe(character) {
            push_escaped(&mut line, character);
        } else {
            line.push(character);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use tracing::Level;

    use super::*;

    #[track_caller]
    fn check(message: &str, fields: &[(&str, Value)], expected: &str) {
        let record = Record {
            time: DateTime::UNIX_EPOCH,
            level: Level::TRACE,
            message: message.to_owned(),
            source: None,
            fields: fields
                .iter()
                .map(|(key, value)| ((*key).to_owned(), value.clone()))
                .collect(),
        };
        let line = render(&record);
        assert_eq!(
            line,
            format!(r#"{{"time":"1970-01-01T00:00:00.000000Z","level":"DEBUG",{expected}}}"#)
        );
        let parsed: Value = serde_json::from_str(&line).expect("a line is JSON");
        assert_eq!(parsed["msg"], message);
    }

    #[test]
    fn fields_are_members_next_to_the_message() {
        check(
            "served",
            &[("n", 1.into()), ("name", "Ada".into())],
            r#""msg":"served","n":1,"name":"Ada""#,
        );
    }

    #[test]
    fn no_text_ends_the_line() {
        check(
            "a\nb\u{85}c\u{2028}\"",
            &[],
            r#""msg":"a\nb\u0085c\u2028\"""#,
        );
    }

    #[test]
    fn no_key_comes_twice_or_takes_the_place_of_the_level() {
        check(
            "m",
            &[("k", 1.into()), ("level", "x".into()), ("k", 2.into())],
            r#""msg":"m","k":2"#,
        );
    }
}
