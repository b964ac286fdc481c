//! Text for reports: sanitizes untrusted text, wraps prose, formats ids and durations.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::LazyLock;
use std::time::Duration;

use regex::Regex;
use textwrap::{Options, WordSeparator, WordSplitter};

/// Escape sequences of terminals: colours and cursor (CSI), titles and links (OSC and similar), and short ones.
static ESCAPE_SEQUENCES: LazyLock<Regex> = LazyLock::new(|| {
    let csi = r"(?:\x1b\[|\u{9b})[0-?]*[ -/]*[@-~]";
    let strings = r"\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)";
    let short = r"\x1b[ -/]*[0-OQ-WYZ\\`-~]";
    Regex::new(&format!("{csi}|{strings}|{short}")).expect("a valid pattern")
});

/// Sanitizes untrusted text for terminals and XML: removes escape sequences, and escapes other control
/// characters and those that change the text direction as `\u{7}`.
///
/// Keeps line ends, and replaces tabs by spaces.
pub(super) fn clean(text: &str) -> String {
    let text: Cow<str> = ESCAPE_SEQUENCES.replace_all(text, "");
    let text = text.replace("\r\n", "\n").replace('\t', "    ");
    let mut clean = String::with_capacity(text.len());
    for character in text.chars() {
        if character != '\n' && is_harmful(character) {
            clean.extend(character.escape_unicode());
        } else {
            clean.push(character);
        }
    }
    clean
}

fn is_harmful(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            // Noncharacters, which XML forbids.
            | '\u{fffe}' | '\u{ffff}')
}

/// Sanitizes untrusted text and puts it on one line.
pub(super) fn clean_line(text: &str) -> String {
    clean(text).trim_end().replace('\n', r"\n")
}

/// Wraps prose into lines of at most `width` characters; all but the first are indented.
pub(super) fn wrap(text: &str, width: usize, indent: usize) -> String {
    let indentation = " ".repeat(indent);
    let options = Options::new(width)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .break_words(false)
        .initial_indent(&indentation)
        .subsequent_indent(&indentation);
    let wrapped = textwrap::fill(text, options);
    wrapped.trim_start().to_owned()
}

/// Truncates text to `max` characters, and appends how many more there are.
pub(super) fn shorten(text: &str, max: usize) -> Cow<'_, str> {
    match text.char_indices().nth(max) {
        None => Cow::Borrowed(text),
        Some((end, _)) => {
            let more = text[end..].chars().count();
            Cow::Owned(format!("{}… ({more} more characters)", &text[..end]))
        }
    }
}

/// Matches a word that contains a digit (number, id, address, generated name) and the unit after it.
static NUMBER_PATTERN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"[\w.:@+-]*[0-9][\w.:@+-]*(?: (?:ms|s|MB|kB|bytes)\b)?").expect("a valid pattern")
});

/// Replaces every number and id by `#`, except numbers that may be HTTP statuses, which distinguish causes.
pub(super) fn mask_numbers(text: &str) -> String {
    let mask = |found: &regex::Captures<'_>| {
        let word = &found[0];
        let is_status = word.len() == 3
            && word
                .parse()
                .is_ok_and(|status: u16| (100..600).contains(&status));
        if is_status { word } else { "#" }.to_owned()
    };
    NUMBER_PATTERN.replace_all(text, mask).into_owned()
}

/// Formats clause ids as `LOG-3, LOG-4, STR-1 to STR-6`; three or more consecutive ids become a range.
pub(super) fn format_ranges<'a>(ids: impl IntoIterator<Item = &'a str>) -> String {
    let mut runs: Vec<Vec<&str>> = Vec::new();
    for id in ids {
        match runs.last_mut() {
            Some(run) if run.last().is_some_and(|last| follows(last, id)) => run.push(id),
            Some(run) if run.last() == Some(&id) => {}
            _ => runs.push(vec![id]),
        }
    }
    let mut text = String::new();
    for run in runs {
        let separator = if text.is_empty() { "" } else { ", " };
        let _ = match run.as_slice() {
            [first, _, .., last] => write!(text, "{separator}{first} to {last}"),
            few => write!(text, "{separator}{}", few.join(", ")),
        };
    }
    text
}

/// Whether `id` has the same family as `last` and the next number.
fn follows(last: &str, id: &str) -> bool {
    let parts = |id: &str| {
        let (family, number) = id.rsplit_once('-')?;
        Some((family.to_owned(), number.parse::<u32>().ok()?))
    };
    match (parts(last), parts(id)) {
        (Some((before, one)), Some((after, two))) => {
            before == after && one.checked_add(1) == Some(two)
        }
        _ => false,
    }
}

/// Formats a duration as `350 ms` or `12.3 s`.
pub(super) fn format_duration(duration: Duration) -> String {
    if duration < Duration::from_secs(1) {
        format!("{} ms", duration.as_millis())
    } else {
        format!("{:.1} s", duration.as_secs_f64())
    }
}

/// A number with its noun: `1 scenario`, `3 scenarios`.
pub(super) fn format_count(number: usize, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{ending}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check_clean(text: &str, expected: &str) {
        assert_eq!(clean(text), expected, "{text:?}");
    }

    #[test]
    fn escape_sequences_are_removed() {
        check_clean("\u{1b}[31;1mred\u{1b}[0m \u{9b}2Jgone", "red gone");
        check_clean(
            "\u{1b}]0;title\u{7}a \u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\",
            "a link",
        );
        check_clean("\u{1b}(B\u{1b}cplain\u{1b}7", "plain");
    }

    #[test]
    fn other_control_characters_are_escaped() {
        check_clean("a\u{7}b\0c\rd\u{85}", r"a\u{7}b\u{0}c\u{d}d\u{85}");
        check_clean("\u{202e}txt.exe\u{ffff}", r"\u{202e}txt.exe\u{ffff}");
        check_clean("open \u{1b}]0;for ever", r"open \u{1b}]0;for ever");
    }

    #[test]
    fn line_ends_are_kept_or_escaped() {
        check_clean("a\r\n\tb", "a\n    b");
        assert_eq!(clean_line("a\nb\n"), r"a\nb");
    }

    #[test]
    fn other_text_is_unchanged() {
        check_clean(
            "Ägypten 日本 🙂 {\"a\":\"[31m\"}",
            "Ägypten 日本 🙂 {\"a\":\"[31m\"}",
        );
    }

    proptest! {
        #[test]
        fn no_harmful_character_is_left(text in ".{0,80}|[\u{0}-\u{a0}\u{1b}\\[\\]0-9;m]{0,40}") {
            let cleaned = clean(&text);
            prop_assert!(!cleaned.chars().any(|character| character != '\n' && is_harmful(character)), "{cleaned:?}");
            prop_assert_eq!(clean(&cleaned), cleaned);
        }
    }

    #[test]
    fn numbers_and_ids_are_masked_but_not_statuses() {
        assert_eq!(
            mask_numbers("OK, user 0191-6a of ada.7f@example.com after 12 ms at 127.0.0.1:4711"),
            mask_numbers("OK, user 0192-7b of ada.81@example.com after 8 ms at 127.0.0.1:4712"),
        );
        assert_eq!(mask_numbers("status 404, 3 users"), "status 404, # users");
        assert_eq!(mask_numbers("not 250 ms"), "not #");
        assert_eq!(mask_numbers("no digit: at all"), "no digit: at all");
    }

    #[test]
    fn consecutive_ids_become_a_range() {
        assert_eq!(
            format_ranges(["LOG-3", "LOG-4", "STR-1", "STR-2", "STR-3"]),
            "LOG-3, LOG-4, STR-1 to STR-3"
        );
        assert_eq!(
            format_ranges(["USR-1", "USR-1", "USR-3", "LOG-4"]),
            "USR-1, USR-3, LOG-4"
        );
        assert_eq!(format_ranges([]), "");
    }

    #[test]
    fn prose_is_wrapped_and_words_are_not_broken() {
        assert_eq!(wrap("one two three", 9, 2), "one two\n  three");
        assert_eq!(
            wrap("https://a-very-long-word/", 9, 2),
            "https://a-very-long-word/"
        );
    }

    #[test]
    fn shortened_text_says_how_much_was_removed() {
        assert_eq!(shorten("äöü", 3), "äöü");
        assert_eq!(shorten("äöüß", 2), "äö… (2 more characters)");
    }
}
