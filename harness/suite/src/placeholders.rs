//! Placeholders in the texts of features.
//!
//! `{id}` is unique to the scenario, `{U+00E9}` a character, `{256 x a}` a repetition,
//! `{Ada's email in upper case}` a property of a user. Any other brace is text.

use std::sync::LazyLock;

use regex::Regex;

/// The values of placeholders in one scenario.
pub trait PlaceholderValues {
    /// Unique to the scenario.
    fn id(&self) -> &str;
    /// A property of a user: `email`, `first email`, `name`, `id`.
    fn of_user(&self, alias: &str, property: &str) -> Result<String, String>;
}

static USER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^([A-Z][a-z]+)'s (email|first email|name|id)(?: in (upper|mixed) case)?$")
        .expect("a valid pattern")
});

static TIMES: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?s)^(\d+) x (.+)$").expect("a valid pattern"));

/// Fills in the placeholders; an unknown user is an error, an unknown brace is text.
pub fn expand(template: &str, values: &impl PlaceholderValues) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = template;
    while let Some(start) = rest.find('{') {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        let placeholder = closing(rest).map(|end| &rest[1..end]);
        let filled = placeholder.map(|it| fill(it, values)).transpose()?;
        if let Some(text) = filled.flatten() {
            out.push_str(&text);
            rest = &rest[placeholder.map_or(0, str::len) + 2..];
        } else {
            out.push('{');
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    Ok(out)
}

/// Where the brace at the beginning is closed.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (index, letter) in text.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 1 => return Some(index),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

fn fill(placeholder: &str, values: &impl PlaceholderValues) -> Result<Option<String>, String> {
    if placeholder == "id" {
        return Ok(Some(values.id().to_owned()));
    }
    if let Some(character) = character(placeholder) {
        return Ok(Some(character.to_string()));
    }
    if let Some(found) = TIMES.captures(placeholder) {
        let times: usize = found[1]
            .parse()
            .map_err(|_| format!("too many: {}", &found[1]))?;
        let body = match character(&found[2]) {
            Some(character) => character.to_string(),
            None => expand(&found[2], values)?,
        };
        return Ok(Some(body.repeat(times)));
    }
    let Some(found) = USER.captures(placeholder) else {
        return Ok(None);
    };
    let value = values.of_user(&found[1], &found[2])?;
    Ok(Some(match found.get(3).map(|it| it.as_str()) {
        Some("upper") => value.to_ascii_uppercase(),
        Some(_) => mixed(&value),
        None => value,
    }))
}

fn character(text: &str) -> Option<char> {
    let digits = text.strip_prefix("U+")?;
    u32::from_str_radix(digits, 16)
        .ok()
        .and_then(char::from_u32)
}

/// Every other letter in the other case.
pub fn mixed(text: &str) -> String {
    let change = |(index, letter): (usize, char)| {
        if index % 2 == 0 {
            letter.to_ascii_uppercase()
        } else {
            letter.to_ascii_lowercase()
        }
    };
    text.chars().enumerate().map(change).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Ada;

    impl PlaceholderValues for Ada {
        fn id(&self) -> &'static str {
            "77"
        }

        fn of_user(&self, alias: &str, property: &str) -> Result<String, String> {
            match alias {
                "Ada" => Ok(format!("ada's {property}")),
                _ => Err(format!("unknown user {alias}")),
            }
        }
    }

    #[track_caller]
    fn check(template: &str, expected: &str) {
        assert_eq!(expand(template, &Ada).as_deref(), Ok(expected));
    }

    #[test]
    fn placeholders_are_filled_in() {
        check("a{id}b", "a77b");
        check("{U+00E9}{U+1F600}", "\u{e9}\u{1f600}");
        check("{3 x a}{2 x U+0020}", "aaa  ");
        check("{2 x e{U+0301}}", "e\u{301}e\u{301}");
        check("{Ada's email in upper case}", "ADA'S EMAIL");
        check("{Ada's first email}", "ada's first email");
    }

    #[test]
    fn any_other_brace_is_text() {
        check("{{7*7}}${x}", "{{7*7}}${x}");
        check("{\"a\": [1]} {id}{", "{\"a\": [1]} 77{");
    }

    #[test]
    fn an_unknown_user_is_an_error() {
        assert!(expand("{Bob's email}", &Ada).is_err());
    }
}
