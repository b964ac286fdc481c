//! Words with a plainer word for them: `glossary.toml` has both.

use serde::Deserialize;

use crate::files::{File, files, root};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Glossary {
    folders: Vec<String>,
    word: Vec<Word>,
    allowed: Vec<Allowed>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Word {
    refused: Vec<String>,
    say: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Allowed {
    text: String,
    reason: String,
}

impl Glossary {
    fn load() -> Self {
        let path = root().join("harness/engine/tests/sources/glossary.toml");
        let text = std::fs::read_to_string(path).expect("the glossary is there");
        toml::from_str(&text).expect("a glossary")
    }

    /// The refused words of a file, with what to say instead.
    fn check(&self, file: &File) -> Vec<String> {
        let mut found = Vec::new();
        for (number, line) in file.text.lines().enumerate() {
            let mut line = line.to_owned();
            for allowed in &self.allowed {
                line = line.replace(&allowed.text, "");
            }
            for word in words(&line) {
                let entry = self.word.iter().find(|entry| entry.refused.contains(&word));
                if let Some(entry) = entry {
                    let place = format!("{}:{}", file.path, number + 1);
                    found.push(format!("{place}: `{word}`; say: {}", entry.say));
                }
            }
            if line.contains("|it| {") {
                let place = format!("{}:{}", file.path, number + 1);
                found.push(format!(
                    "{place}: `|it|` of a closure with a body; say what the argument is"
                ));
            }
        }
        found
    }
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
fn clean_folders_stay_clean() {
    let glossary = Glossary::load();
    assert!(glossary.allowed.iter().all(|it| !it.reason.is_empty()));
    let mut found = Vec::new();
    for folder in &glossary.folders {
        let files = [files(folder, ".rs"), files(folder, ".feature")].concat();
        assert!(!files.is_empty(), "no file in {folder}");
        let others = files
            .iter()
            .filter(|file| !file.path.ends_with("glossary.rs"));
        found.extend(others.flat_map(|file| glossary.check(file)));
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[track_caller]
fn refused(text: &str) {
    let file = File {
        path: "x.rs".to_owned(),
        text: text.to_owned(),
    };
    let found = Glossary::load().check(&file);
    assert_eq!(found.len(), 1, "{text}: {found:?}");
}

#[test]
fn a_refused_word_is_found_in_a_name_a_comment_and_a_step() {
    refused("struct ToldPeer;");
    refused("let peer_told = 1;");
    refused("/// Nobody listens.");
    refused("    When the user service is told to stop");
    refused("let x = all.map(|it| {");
}

#[test]
fn a_word_that_only_contains_a_refused_one_is_fine() {
    let file = File {
        path: "x.rs".to_owned(),
        text: "// a teller, foretold, acknowledges\nall.map(|it| it.name)\n".to_owned(),
    };
    assert_eq!(Glossary::load().check(&file), Vec::<String>::new());
}
