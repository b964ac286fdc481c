//! Encodings in which a text may appear.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// The text itself, its bytes in hexadecimal, and its base64 at each alignment.
pub fn of(text: &str) -> Vec<String> {
    let digits = text.bytes().flat_map(|it| [it >> 4, it & 15]);
    let hexadecimal = digits.filter_map(|it| char::from_digit(it.into(), 16));
    let mut forms = vec![text.to_owned(), hexadecimal.collect()];
    for start in 0..3 {
        // Only whole groups of three bytes do not depend on the bytes around them.
        let rest = text.as_bytes().get(start..).unwrap_or_default();
        let whole = &rest[..rest.len() / 3 * 3];
        forms.push(STANDARD_NO_PAD.encode(whole));
        forms.push(URL_SAFE_NO_PAD.encode(whole));
    }
    forms.retain(|it| it.len() >= 6);
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_in_the_middle_of_base64() {
        for before in ["", "x", "xy"] {
            let hidden = STANDARD_NO_PAD.encode(format!("{before}correct-horse-battery!"));
            assert!(
                of("correct-horse-battery")
                    .iter()
                    .any(|it| hidden.contains(it)),
                "{hidden}"
            );
        }
    }
}
