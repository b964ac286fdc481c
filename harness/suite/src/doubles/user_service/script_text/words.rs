//! Texts in quotes, numbers and times within a sentence.

use std::str::FromStr;

const JOINT: &str = ", then ";

/// The parts of a sentence; what joins them is text within quotes.
pub fn parts(sentence: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut within, mut escaped) = (0, false, false);
    for (index, letter) in sentence.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = within,
            '"' => within = !within,
            _ => {}
        }
        if !within && index >= start && sentence[index..].starts_with(JOINT) {
            parts.push(&sentence[start..index]);
            start = index + JOINT.len();
        }
    }
    parts.push(&sentence[start..]);
    parts
}

/// A number of nothing but digits.
pub fn number<N: FromStr>(text: &str) -> Option<N> {
    let digits = !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// What stands before a number and this word at the end, and the number.
pub fn numbered<'a>(text: &'a str, word: &str) -> Option<(&'a str, usize)> {
    let text = text.strip_suffix(word)?.strip_suffix(' ')?;
    let (rest, digits) = text.rsplit_once(' ')?;
    Some((rest, number(digits)?))
}

/// The bytes of a text in quotes, in which `\"`, `\\` and `\xff` stand for bytes.
pub fn quoted(text: &str) -> Option<Vec<u8>> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = match (first, tail) {
            (b'\\', [it @ (b'"' | b'\\'), tail @ ..]) => {
                bytes.push(*it);
                tail
            }
            (b'\\', [b'x', high, low, tail @ ..]) => {
                let digit = |it: &u8| char::from(*it).to_digit(16);
                bytes.push(u8::try_from(digit(high)? << 4 | digit(low)?).ok()?);
                tail
            }
            (b'\\' | b'"', _) => return None,
            (it, tail) => {
                bytes.push(*it);
                tail
            }
        };
    }
    Some(bytes)
}

/// A text in quotes.
pub fn text(text: &str) -> Option<Result<String, String>> {
    let bytes = quoted(text)?;
    Some(String::from_utf8(bytes).map_err(|_| {
        format!("{text} is no UTF-8; bytes that are none go \"with the raw message\"")
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hold_a_sentence_together() {
        assert_eq!(parts("a, then b"), ["a", "b"]);
        assert_eq!(parts("a \"x, then y\", then b"), ["a \"x, then y\"", "b"]);
        assert_eq!(parts(r#"a "\", then ", then b"#), [r#"a "\", then ""#, "b"]);
        assert_eq!(parts(""), [""]);
    }

    #[test]
    fn bytes_can_be_written() {
        assert_eq!(quoted(r#""a\"\\\xfF""#), Some(b"a\"\\\xff".to_vec()));
        for wrong in [
            "a", "\"a", r#""\n""#, r#""\xf""#, r#""a"b""#, r#""a\""#, "\"",
        ] {
            assert_eq!(quoted(wrong), None, "{wrong}");
        }
    }
}
