//! Text for reports: untrusted text made harmless, prose wrapped, ids and durations in short.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::LazyLock;
use std::time::Duration;

use regex::Regex;
use textwrap::{Options, WordSeparator, WordSplitter};

/// Sequences that a terminal obeys: colours and cursor (CSI), titles and links (OSC and its kin), and short ones.
static SEQUENCES: LazyLock<Regex> = LazyLock::new(|| {
    let csi = r"(?:\x1b\[|\u{9b})[0-?]*[ -/]*[@-~]";
    let strings = r"\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)";
    let short = r"\x1b[ -/]*[0-OQ-WYZ\\`-~]";
    Regex::new(&format!("{csi}|{strings}|{short}")).expect("a valid pattern")
});

/// Untrusted text, made harmless on a terminal and in XML: without escape sequences, and
/// every other control character, and what turns the direction of writing, shown as `\u{7}`.
///
/// Line ends stay, tabs become spaces.
pub(super) fn clean(text: &str) -> String {
    let text: Cow<str> = SEQUENCES.replace_all(text, "");
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
            // No characters at all; XML forbids them.
            | '\u{fffe}' | '\u{ffff}')
}

/// The same on one line.
pub(super) fn clean_line(text: &str) -> String {
    clean(text).trim_end().replace('\n', r"\n")
}

/// Prose in lines of at most `width` characters, all but the first indented.
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

/// At most `most` characters, and how many more there are.
pub(super) fn shorten(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        None => Cow::Borrowed(text),
        Some((end, _)) => {
            let more = text[end..].chars().count();
            Cow::Owned(format!("{}… ({more} more characters)", &text[..end]))
        }
    }
}

/// A word with a digit in it: a number, an id, an address, a generated name.
static WITH_DIGIT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"[\w.:@+-]*[0-9][\w.:@+-]*(?: (?:ms|s|MB|kB|bytes)\b)?").expect("a valid pattern")
});

/// The text with every number and id as `#`, but for what may be a status of HTTP: by that, causes differ.
pub(super) fn masked(text: &str) -> String {
    let mask = |found: &regex::Captures<'_>| {
        let word = &found[0];
        let is_status =
            word.len() == 3 && word.parse().is_ok_and(|it: u16| (100..600).contains(&it));
        if is_status { word } else { "#" }.to_owned()
    };
    WITH_DIGIT.replace_all(text, mask).into_owned()
}

/// `LOG-3, LOG-4, STR-1 to STR-6`: three and more in a row as a range.
pub(super) fn ranges<'a>(ids: impl IntoIterator<Item = &'a str>) -> String {
    let mut rows: Vec<Vec<&str>> = Vec::new();
    for id in ids {
        match rows.last_mut() {
            Some(row) if row.last().is_some_and(|last| follows(last, id)) => row.push(id),
            Some(row) if row.last() == Some(&id) => {}
            _ => rows.push(vec![id]),
        }
    }
    let mut text = String::new();
    for row in rows {
        let separator = if text.is_empty() { "" } else { ", " };
        let _ = match row.as_slice() {
            [first, _, .., last] => write!(text, "{separator}{first} to {last}"),
            few => write!(text, "{separator}{}", few.join(", ")),
        };
    }
    text
}

/// Whether `id` is the number after `last` in the same family.
fn follows(last: &str, id: &str) -> bool {
    let parts = |it: &str| {
        let (family, number) = it.rsplit_once('-')?;
        Some((family.to_owned(), number.parse::<u32>().ok()?))
    };
    match (parts(last), parts(id)) {
        (Some((before, one)), Some((after, two))) => {
            before == after && one.checked_add(1) == Some(two)
        }
        _ => false,
    }
}

/// `350 ms` or `12.3 s`.
pub(super) fn time(duration: Duration) -> String {
    if duration < Duration::from_secs(1) {
        format!("{} ms", duration.as_millis())
    } else {
        format!("{:.1} s", duration.as_secs_f64())
    }
}

/// `1 scenario`, `3 scenarios`.
pub(super) fn count(number: usize, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{ending}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn cleaned(text: &str, expected: &str) {
        assert_eq!(clean(text), expected, "{text:?}");
    }

    #[test]
    fn colours_titles_and_links_are_taken_out() {
        cleaned("\u{1b}[31;1mred\u{1b}[0m \u{9b}2Jgone", "red gone");
        cleaned(
            "\u{1b}]0;title\u{7}a \u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\",
            "a link",
        );
        cleaned("\u{1b}(B\u{1b}cplain\u{1b}7", "plain");
    }

    #[test]
    fn other_control_characters_are_shown() {
        cleaned("a\u{7}b\0c\rd\u{85}", r"a\u{7}b\u{0}c\u{d}d\u{85}");
        cleaned("\u{202e}txt.exe\u{ffff}", r"\u{202e}txt.exe\u{ffff}");
        cleaned("open \u{1b}]0;for ever", r"open \u{1b}]0;for ever");
    }

    #[test]
    fn lines_stay_lines_unless_one_is_wanted() {
        cleaned("a\r\n\tb", "a\n    b");
        assert_eq!(clean_line("a\nb\n"), r"a\nb");
    }

    #[test]
    fn every_other_text_stays_as_it_is() {
        cleaned(
            "Ägypten 日本 🙂 {\"a\":\"[31m\"}",
            "Ägypten 日本 🙂 {\"a\":\"[31m\"}",
        );
    }

    proptest! {
        #[test]
        fn nothing_harmful_is_left(text in ".{0,80}|[\u{0}-\u{a0}\u{1b}\\[\\]0-9;m]{0,40}") {
            let cleaned = clean(&text);
            prop_assert!(!cleaned.chars().any(|it| it != '\n' && is_harmful(it)), "{cleaned:?}");
            prop_assert_eq!(clean(&cleaned), cleaned);
        }
    }

    #[test]
    fn numbers_and_ids_are_masked_and_a_status_is_not() {
        assert_eq!(
            masked("OK, user 0191-6a of ada.7f@example.com after 12 ms at 127.0.0.1:4711"),
            masked("OK, user 0192-7b of ada.81@example.com after 8 ms at 127.0.0.1:4712"),
        );
        assert_eq!(masked("status 404, 3 users"), "status 404, # users");
        assert_eq!(masked("not 250 ms"), "not #");
        assert_eq!(masked("no digit: at all"), "no digit: at all");
    }

    #[test]
    fn ids_in_a_row_become_a_range() {
        assert_eq!(
            ranges(["LOG-3", "LOG-4", "STR-1", "STR-2", "STR-3"]),
            "LOG-3, LOG-4, STR-1 to STR-3"
        );
        assert_eq!(
            ranges(["USR-1", "USR-1", "USR-3", "LOG-4"]),
            "USR-1, USR-3, LOG-4"
        );
        assert_eq!(ranges([]), "");
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
    fn what_is_left_out_is_counted() {
        assert_eq!(shorten("äöü", 3), "äöü");
        assert_eq!(shorten("äöüß", 2), "äö… (2 more characters)");
    }
}
