//! Weaving: edits of the reference's sources, each behind a switch that is read at start.
//!
//! An edit is data: a file, an exact piece of its text, and what stands there instead. Weaving turns the piece
//! into `if mutant::is("id") { instead } else { text }`, so that one build holds every mutant. All functions
//! here are pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::ops::Range;

use regex::Regex;
use serde::Deserialize;

/// A mutant that is made by editing the reference.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EditedMutant {
    /// Its name on the command line; the gateway's is `gateway-ID` where both programs are wrong.
    pub id: String,
    /// The clause that it breaks.
    pub clause: String,
    /// What is wrong, in a sentence.
    pub wrong: String,
    /// Which program it stands for.
    pub component: Target,
    /// What is edited.
    pub edit: Vec<Edit>,
}

/// Which programs are judged with the edit switched on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// The user service alone.
    UserService,
    /// The gateway alone.
    Gateway,
    /// Each of them, by itself: an edit of what both are made of.
    Both,
}

/// One piece of a file, and what stands there instead.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// The file's path below `reference-impl`.
    pub file: String,
    /// Where the text is not the only one of its kind: a text that is, somewhere before it.
    #[serde(default)]
    pub after: String,
    /// A whole expression, or whole statements, that the file holds exactly once, unit tests apart. White
    /// space may differ.
    pub text: String,
    /// The wrong code.
    pub instead: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EditsFile {
    #[serde(default)]
    mutant: Vec<EditedMutant>,
}

/// What keeps an edit from being woven in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeaveError {
    /// The file of edits cannot be read.
    #[error("{file}: {reason}")]
    Unreadable {
        /// The file of edits.
        file: String,
        /// What the parser says.
        reason: String,
    },
    /// Two mutants have one name.
    #[error("two mutants are called {0}")]
    SameId(String),
    /// Nothing is edited.
    #[error("mutant {0} edits nothing")]
    NoEdit(String),
    /// The file does not exist.
    #[error("mutant {id}: the reference has no file {file}")]
    NoFile {
        /// The mutant.
        id: String,
        /// The file.
        file: String,
    },
    /// The text is not there exactly once.
    #[error("mutant {id}: {file} holds this text {found} times instead of once: {text}")]
    NotOnce {
        /// The mutant.
        id: String,
        /// The file.
        file: String,
        /// The text.
        text: String,
        /// How often it is there.
        found: usize,
    },
    /// Two texts overlap.
    #[error(
        "mutants {first} and {second}: their texts in {file} overlap, and neither contains the other"
    )]
    Overlap {
        /// The mutant whose text begins first.
        first: String,
        /// The other one.
        second: String,
        /// The file.
        file: String,
    },
}

/// Reads files of edits, given by name and content.
pub fn parse<'a>(
    files: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<Vec<EditedMutant>, Vec<WeaveError>> {
    let (mut mutants, mut errors) = (Vec::new(), Vec::new());
    for (file, text) in files {
        match toml::from_str::<EditsFile>(text) {
            Ok(edits) => mutants.extend(edits.mutant),
            Err(error) => errors.push(WeaveError::Unreadable {
                file: file.to_owned(),
                reason: error.to_string(),
            }),
        }
    }
    let mut ids = BTreeSet::new();
    for mutant in &mutants {
        if mutant.edit.is_empty() {
            errors.push(WeaveError::NoEdit(mutant.id.clone()));
        }
        if !ids.insert(&mutant.id) {
            errors.push(WeaveError::SameId(mutant.id.clone()));
        }
    }
    if errors.is_empty() {
        Ok(mutants)
    } else {
        Err(errors)
    }
}

/// Weaves every edit into the reference's files, which are given by their paths below `reference-impl`.
/// Returns the files that change.
pub fn weave(
    files: &BTreeMap<String, String>,
    mutants: &[EditedMutant],
) -> Result<BTreeMap<String, String>, Vec<WeaveError>> {
    let mut by_file: BTreeMap<&str, Vec<(&str, &Edit)>> = BTreeMap::new();
    for mutant in mutants {
        for edit in &mutant.edit {
            let edits = by_file.entry(&edit.file).or_default();
            edits.push((&mutant.id, edit));
        }
    }
    let (mut woven, mut errors) = (BTreeMap::new(), Vec::new());
    for (file, edits) in by_file {
        let Some(source) = files.get(file) else {
            errors.extend(edits.iter().map(|(id, _)| WeaveError::NoFile {
                id: (*id).to_owned(),
                file: file.to_owned(),
            }));
            continue;
        };
        match weave_file(file, source, &edits) {
            Ok(text) => {
                woven.insert(file.to_owned(), text);
            }
            Err(found) => errors.extend(found),
        }
    }
    if errors.is_empty() {
        Ok(woven)
    } else {
        Err(errors)
    }
}

/// One piece of a file with all that may stand there instead.
struct Piece<'a> {
    range: Range<usize>,
    instead: Vec<(&'a str, &'a str)>,
    inner: Vec<Piece<'a>>,
}

fn weave_file(
    file: &str,
    source: &str,
    edits: &[(&str, &Edit)],
) -> Result<String, Vec<WeaveError>> {
    let (mut located, mut errors) = (Vec::new(), Vec::new());
    for (id, edit) in edits {
        match locate(source, &edit.after, &edit.text) {
            Ok(range) => located.push((range, *id, edit.instead.as_str())),
            Err(found) => errors.push(WeaveError::NotOnce {
                id: (*id).to_owned(),
                file: file.to_owned(),
                text: edit.text.trim().to_owned(),
                found,
            }),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    weave_places(file, source, located).map_err(|error| vec![error])
}

/// Weaves what stands instead of each place of a source, given with its mutant, into it.
pub fn weave_places<'a>(
    file: &str,
    source: &str,
    mut places: Vec<(Range<usize>, &'a str, &'a str)>,
) -> Result<String, WeaveError> {
    // `insert` needs the places in order, each before those that it contains.
    places.sort_by_key(|(range, ..)| (range.start, std::cmp::Reverse(range.end)));
    let mut pieces = Vec::new();
    for (range, id, instead) in places {
        insert(&mut pieces, range, id, instead).map_err(|first| WeaveError::Overlap {
            first,
            second: id.to_owned(),
            file: file.to_owned(),
        })?;
    }
    let switch = if file.starts_with("platform/") {
        "crate::mutant::is"
    } else {
        "::platform::mutant::is"
    };
    Ok(render(source, 0..source.len(), &pieces, switch))
}

/// What begins the unit tests of a file. Nothing in them is edited, so a text may stand there as well.
const TESTS: &str = "#[cfg(test)]";

/// The only place where the source holds the text, or in how many it does. Where a text is given that it
/// comes after, the first place behind the only one of that.
fn locate(source: &str, after: &str, text: &str) -> Result<Range<usize>, usize> {
    let code = source.split(TESTS).next().unwrap_or_default();
    if after.trim().is_empty() {
        return only(&places(code, text));
    }
    let before = only(&places(code, after))?;
    let behind = places(code, text)
        .into_iter()
        .find(|place| place.start >= before.end);
    behind.ok_or(0)
}

fn only(places: &[Range<usize>]) -> Result<Range<usize>, usize> {
    match places {
        [place] => Ok(place.clone()),
        _ => Err(places.len()),
    }
}

/// Where the source holds the text; white space in it may differ.
fn places(source: &str, text: &str) -> Vec<Range<usize>> {
    let words: Vec<String> = text.split_whitespace().map(regex::escape).collect();
    if words.is_empty() {
        return Vec::new();
    }
    let pattern = Regex::new(&words.join(r"\s+")).expect("escaped words are a pattern");
    pattern
        .find_iter(source)
        .map(|found| found.range())
        .collect()
}

/// Adds a piece, which begins no earlier than those that are there; answers a mutant whose text it overlaps.
fn insert<'a>(
    pieces: &mut Vec<Piece<'a>>,
    range: Range<usize>,
    id: &'a str,
    instead: &'a str,
) -> Result<(), String> {
    match pieces.last_mut() {
        Some(last) if last.range == range => last.instead.push((id, instead)),
        Some(last) if range.end <= last.range.end => {
            return insert(&mut last.inner, range, id, instead);
        }
        Some(last) if range.start < last.range.end => return Err(last.instead[0].0.to_owned()),
        _ => pieces.push(Piece {
            range,
            instead: vec![(id, instead)],
            inner: Vec::new(),
        }),
    }
    Ok(())
}

fn render(source: &str, range: Range<usize>, pieces: &[Piece<'_>], switch: &str) -> String {
    let mut text = String::new();
    let mut at = range.start;
    for piece in pieces {
        text.push_str(&source[at..piece.range.start]);
        at = piece.range.end;
        let mut choice = String::new();
        for (id, instead) in &piece.instead {
            let _ = write!(
                choice,
                "if {switch}({id:?}) {{ {} \n}} else ",
                instead.trim()
            );
        }
        let right = render(source, piece.range.clone(), &piece.inner, switch);
        let _ = write!(choice, "{{ {right} \n}}");
        if is_statement(&source[piece.range.clone()], &source[at..]) {
            text.push_str(&choice);
        } else {
            let _ = write!(text, "({choice})");
        }
    }
    text.push_str(&source[at..range.end]);
    text
}

/// Whether a piece stands by itself, or is part of a larger expression, which goes on with what follows.
fn is_statement(piece: &str, following: &str) -> bool {
    let goes_on = |next: char| ".?,;)]=<>&|+-*/%^".contains(next);
    piece.ends_with(';') || piece.ends_with('}') && !following.trim_start().starts_with(goes_on)
}

/// The module of the woven platform that holds the switch.
pub const SWITCH_MODULE: &str = r#"//! Which mutant this process is.

use std::sync::OnceLock;

static SELECTED: OnceLock<String> = OnceLock::new();

/// Selects a mutant, once and at start.
pub fn select(id: &str) {
    SELECTED.set(id.to_owned()).expect("selected once");
}

/// Whether this process is the mutant.
#[inline]
pub fn is(id: &str) -> bool {
    SELECTED.get().is_some_and(|selected| selected == id)
}
"#;

/// The module of the woven program that lists its edits.
pub fn list_module(mutants: &[EditedMutant]) -> String {
    let mut text = "//! Mutants that are edits of the reference.\n\npub use platform::mutant::select;\n\nuse super::Edit;\n\n/// All edits that were woven in.\npub const EDITS: &[Edit] = &[\n".to_owned();
    for mutant in mutants {
        let (user_service, gateway) = match mutant.component {
            Target::UserService => (true, false),
            Target::Gateway => (false, true),
            Target::Both => (true, true),
        };
        let _ = writeln!(
            text,
            "    Edit {{ id: {:?}, clause: {:?}, wrong: {:?}, user_service: {user_service}, gateway: {gateway} }},",
            mutant.id, mutant.clause, mutant.wrong
        );
    }
    text.push_str("];\n");
    text
}

#[cfg(test)]
mod tests;
