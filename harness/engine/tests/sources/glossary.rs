//! Words with a plainer word for them: `glossary.toml` has both.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;

use crate::files::{File, root, texts};

/// The argument list of a closure with an argument `it`.
static IT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\|(?:[^|]*[ ,(&])?it(?:: [^|]*)?(?:, [^|]*)?\|").expect("a valid pattern")
});

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Glossary {
    paths: Vec<String>,
    word: Vec<Word>,
    allowed: Vec<Allowed>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Word {
    /// Single words, and phrases of several.
    refused: Vec<String>,
    say: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Allowed {
    text: String,
    reason: String,
}

/// What a file may not contain, with what to say instead: by first word.
type Refused<'a> = HashMap<&'a str, Vec<(Vec<&'a str>, &'a str)>>;

impl Glossary {
    fn load() -> Self {
        let path = root().join("harness/engine/tests/sources/glossary.toml");
        let text = std::fs::read_to_string(path).expect("the glossary is there");
        toml::from_str(&text).expect("a glossary")
    }

    fn refused(&self) -> Refused<'_> {
        let mut refused = Refused::new();
        for entry in &self.word {
            for phrase in &entry.refused {
                let words: Vec<&str> = phrase.split(' ').collect();
                let same_start = refused.entry(words[0]).or_default();
                same_start.push((words, entry.say.as_str()));
            }
        }
        refused
    }

    /// The refused words of a file, with what to say instead.
    fn check(&self, file: &File) -> Vec<String> {
        let refused = self.refused();
        let is_rust = Path::new(&file.path).extension() == Some(OsStr::new("rs"));
        let mut found = Vec::new();
        for (number, line) in own_lines(file) {
            let place = format!("{}:{number}", file.path);
            let mut allowed_removed = line.to_owned();
            for allowed in &self.allowed {
                allowed_removed = allowed_removed.replace(&allowed.text, "");
            }
            let words = words(&allowed_removed);
            for (index, word) in words.iter().enumerate() {
                for (phrase, say) in refused.get(word.as_str()).into_iter().flatten() {
                    if words[index..].iter().take(phrase.len()).eq(phrase) {
                        found.push(format!("{place}: `{}`; say: {say}", phrase.join(" ")));
                    }
                }
            }
            if is_rust && is_long_closure_of_it(line) {
                found.push(format!(
                    "{place}: `|it|` of a closure with a body; say what the argument is"
                ));
            }
        }
        found
    }
}

/// The lines of a file that are the project's own, with their numbers. Titles and descriptions of rules in features
/// are not: they are the contract's, word for word.
fn own_lines(file: &File) -> impl Iterator<Item = (usize, &str)> {
    let is_feature = file.path.contains(".feature");
    let mut in_rule = false;
    let lines = file.text.lines().enumerate();
    lines.filter_map(move |(index, line)| {
        let start = line.trim_start();
        if start.starts_with("Rule:") {
            in_rule = is_feature;
        } else if ["Scenario", "Background:", "@", "#"]
            .iter()
            .any(|keyword| start.starts_with(keyword))
        {
            in_rule = false;
        }
        (!in_rule).then_some((index + 1, line))
    })
}

/// Whether a closure with an argument `it` begins in this line, and has a block or further lines.
fn is_long_closure_of_it(line: &str) -> bool {
    let code = line.split("// ").next().unwrap_or_default();
    IT.find_iter(code).any(|arguments| {
        let body = code[arguments.end()..].trim();
        let mut depth = 0;
        for character in body.chars() {
            match character {
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth -= 1,
                _ => {}
            }
            if depth < 0 {
                break;
            }
        }
        body.starts_with('{') || depth > 0 || (depth == 0 && !body.ends_with([',', ';']))
    })
}

/// The words of a line in lower case: `ToldPeer`, `told_peer` and `told peer` have the same two.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut before = ' ';
    for character in line.chars() {
        let begins = character.is_uppercase() && before.is_lowercase();
        if !word.is_empty() && (begins || !character.is_alphabetic()) {
            words.push(std::mem::take(&mut word));
        }
        if character.is_alphabetic() {
            word.extend(character.to_lowercase());
        }
        before = character;
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[test]
fn all_texts_use_plain_words() {
    let glossary = Glossary::load();
    assert!(
        glossary
            .allowed
            .iter()
            .all(|allowed| !allowed.reason.is_empty())
    );
    let mut found = Vec::new();
    for path in &glossary.paths {
        let files = texts(path);
        assert!(!files.is_empty(), "no text in {path}");
        let others = files
            .iter()
            .filter(|file| !file.path.contains("sources/glossary."));
        found.extend(others.flat_map(|file| glossary.check(file)));
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

fn check(path: &str, text: &str) -> Vec<String> {
    let file = File {
        path: path.to_owned(),
        text: text.to_owned(),
    };
    Glossary::load().check(&file)
}

#[track_caller]
fn refused(text: &str) {
    let found = check("x.rs", text);
    assert_eq!(found.len(), 1, "{text}: {found:?}");
}

#[test]
fn a_refused_word_is_found_in_a_name_a_comment_and_a_step() {
    refused("struct ToldPeer;");
    refused("let peer_told = 1;");
    refused("/// Nobody listens.");
    refused("    When the user service is told to stop");
}

#[test]
fn a_refused_phrase_is_found() {
    refused("// A server that ended of its own accord.");
    assert_eq!(check("x.rs", "// its own accord"), Vec::<String>::new());
}

#[test]
fn a_long_closure_of_it_is_found() {
    refused("let x = all.map(|it| {");
    refused("let x = all.map(|it| format!(");
    refused("let x = all.map(|it| it.name");
    refused("let x = all.fold(0, |sum, it: &Name| { sum + it.len() });");
    assert_eq!(
        check("x.md", "let x = all.map(|it| {"),
        Vec::<String>::new()
    );
}

#[test]
fn a_word_that_only_contains_a_refused_one_is_fine() {
    let text =
        "// a teller, foretold, acknowledges\nall.map(|it| it.name)\nlet by = |it: &X| it.y;\n";
    assert_eq!(check("x.rs", text), Vec::<String>::new());
}

#[test]
fn the_words_of_the_contract_are_not_checked() {
    let feature = "Feature: x\n  Rule: CFG-1 It stops when told\n    Whatever it knows.\n\n    @slow\n    Scenario: It is told\n";
    let found = check("x.feature", feature);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("x.feature:6: `told`"), "{found:?}");
}
