//! An event as `key=value` pairs.

use serde_json::Value;

use super::record::{Record, is_unsafe, push_escaped};

/// One line of `key=value`, separated by blanks (LOG-1, LOG-5).
pub(super) fn render(record: &Record) -> String {
    let mut line = String::new();
    for (key, value) in record.members() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(key);
        line.push('=');
        match value.as_ref() {
            Value::String(text) => push_value(&mut line, text),
            other => push_value(&mut line, &other.to_string()),
        }
    }
    line
}

/// A value stands bare if nothing in it could be taken for the end of it.
fn push_value(line: &mut String, text: &str) {
    let is_plain = |character: char| {
        !character.is_whitespace()
            && !is_unsafe(character)
            && !matches!(character, '"' | '\\' | '=')
    };
    if !text.is_empty() && text.chars().all(is_plain) {
        line.push_str(text);
        return;
    }
    line.push('"');
    for character in text.chars() {
        match character {
            '"' => line.push_str("\\\""),
            '\\' => line.push_str("\\\\"),
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\t' => line.push_str("\\t"),
            other if is_unsafe(other) => push_escaped(line, other),
            other => line.push(other),
        }
    }
    line.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expected: &str) {
        let mut line = String::new();
        push_value(&mut line, value);
        assert_eq!(line, expected);
    }

    #[test]
    fn a_plain_value_stands_bare() {
        check(
            "/user.v1.UserService/GetUser",
            "/user.v1.UserService/GetUser",
        );
        check("été", "été");
    }

    #[test]
    fn any_other_is_quoted() {
        check("", r#""""#);
        check("a b", r#""a b""#);
        check("a=b", r#""a=b""#);
        check("say \"hi\" \\", r#""say \"hi\" \\""#);
        check(
            "a\nlevel=ERROR\r\t\0\u{85}",
            r#""a\nlevel=ERROR\r\t\u0000\u0085""#,
        );
    }
}
