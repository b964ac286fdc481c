//! Mutants that operators make at every place of the reference's sources, and their mutation score.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::ops::Range;
use std::path::Path;

use anyhow::{bail, ensure};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;

use super::Mutant;
use super::exempt::Equivalent;
use super::operators;
use super::trials::Trial;
use super::weave::{self, EditedMutant, Target};
use super::workspace::{Place, Workspace};

/// How often mutants that do not compile are left out before the build is given up.
const ROUNDS: usize = 20;

/// A mutant that an operator made.
#[derive(Clone, Debug)]
pub struct Generated {
    /// Its name on the command line of the woven program.
    pub id: String,
    /// The file below `reference-impl`, and the line.
    pub file: String,
    /// The line of the change.
    pub line: usize,
    range: Range<usize>,
    /// What stands in the reference.
    pub text: String,
    /// What the operator makes of it.
    pub instead: String,
}

/// What was built.
pub struct Build {
    /// The program.
    pub workspace: Workspace,
    /// The mutants that it holds.
    pub mutants: Vec<Generated>,
    /// How many did not compile.
    pub not_compiled: usize,
    /// How many were left out because they break no clause.
    pub equivalent: usize,
}

impl Generated {
    fn target(&self) -> Target {
        match self.file.split('/').next() {
            Some("user-service") => Target::UserService,
            Some("gateway") => Target::Gateway,
            _ => Target::Both,
        }
    }

    fn is_equivalent(&self, entry: &Equivalent) -> bool {
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        self.file == entry.file
            && words(&self.text) == words(&entry.text)
            && words(&self.instead) == words(&entry.instead)
    }

    /// One mutant for each component that contains the change.
    pub fn programs(&self, clauses: &BTreeMap<String, BTreeSet<String>>) -> Vec<Mutant> {
        let likely = clauses.get(&self.file).cloned().unwrap_or_default();
        let program = |id: String, component: &str| Mutant {
            id,
            component: component.to_owned(),
            clause: None,
            wrong: format!("{}:{}", self.file, self.line),
            plain: false,
            generated: Some(likely.clone()),
        };
        let id = || self.id.clone();
        match self.target() {
            Target::UserService => vec![program(id(), "user-service")],
            Target::Gateway => vec![program(id(), "gateway")],
            Target::Both => vec![
                program(id(), "user-service"),
                program(format!("gateway-{}", self.id), "gateway"),
            ],
        }
    }
}

/// An entry of the list of equivalent changes that no operator makes any more is an error: the reference has changed.
fn check_used(
    equivalent: &[Equivalent],
    made: &[Generated],
    wanted: impl Fn(&str) -> bool,
) -> anyhow::Result<()> {
    let mut entries = equivalent.iter().filter(|entry| wanted(&entry.file));
    let unused = entries.find(|entry| !made.iter().any(|mutant| mutant.is_equivalent(entry)));
    match unused {
        None => Ok(()),
        Some(Equivalent { file, text, .. }) => bail!(
            "no operator changes {text:?} in {file} as the list of equivalent changes says: take the entry out, or \
             quote the reference as it is"
        ),
    }
}

/// Weaves generated mutants into a copy of the reference, and builds it, in rounds: what does not compile is
/// left out. `wanted` chooses files; of the mutants in them that are not `equivalent`, `sample` are taken at random.
pub fn prepare(
    mutants: &Path,
    wanted: impl Fn(&str) -> bool,
    equivalent: &[Equivalent],
    sample: Option<usize>,
    seed: u64,
) -> anyhow::Result<Build> {
    let workspace = Workspace::in_repository_of(mutants, "mutants-generated")?;
    let sources = workspace.sources()?;
    let mut all = of_files(&sources, &wanted)?;
    println!("operators make {} mutants", all.len());
    check_used(equivalent, &all, &wanted)?;
    let made = all.len();
    all.retain(|mutant| !equivalent.iter().any(|entry| mutant.is_equivalent(entry)));
    let equivalent = made - all.len();
    all.shuffle(&mut StdRng::seed_from_u64(seed));
    all.truncate(sample.unwrap_or(usize::MAX));
    let chosen = all.len();
    for _ in 0..ROUNDS {
        let woven = weave_all(&sources, &all)?;
        let listed: Vec<EditedMutant> = all.iter().map(listed).collect();
        workspace.write(woven.clone(), &listed)?;
        println!(
            "building the reference with {} generated mutants",
            all.len()
        );
        let errors = workspace.errors()?;
        if errors.is_empty() {
            return Ok(Build {
                workspace,
                not_compiled: chosen - all.len(),
                equivalent,
                mutants: all,
            });
        }
        let blamed: BTreeSet<String> = errors
            .iter()
            .filter_map(|places| blame(&woven, places))
            .collect();
        let before = all.len();
        all.retain(|mutant| !blamed.contains(&mutant.id));
        ensure!(
            all.len() < before,
            "no generated mutant is to blame for what does not compile"
        );
    }
    bail!("after {ROUNDS} rounds there are still mutants that do not compile")
}

fn of_files(
    sources: &BTreeMap<String, String>,
    wanted: impl Fn(&str) -> bool,
) -> anyhow::Result<Vec<Generated>> {
    let mut all = Vec::new();
    for (file, source) in sources.iter().filter(|(file, _)| wanted(file)) {
        all.extend(of_file(file, source, all.len())?);
    }
    Ok(all)
}

fn of_file(file: &str, source: &str, first: usize) -> anyhow::Result<Vec<Generated>> {
    // Whole programs of tests, and the glue of `main`, are nothing to judge.
    if !file.contains("/src/") || file.ends_with("/main.rs") {
        return Ok(Vec::new());
    }
    let changes = operators::changes(source)?.into_iter().enumerate();
    let generated = changes.map(|(number, change)| Generated {
        id: format!("g{}", first + number),
        file: file.to_owned(),
        line: change.line,
        text: source[change.range.clone()].to_owned(),
        range: change.range,
        instead: change.instead,
    });
    Ok(generated.collect())
}

fn listed(mutant: &Generated) -> EditedMutant {
    EditedMutant {
        id: mutant.id.clone(),
        clause: String::new(),
        wrong: format!("{}:{}", mutant.file, mutant.line),
        component: mutant.target(),
        edit: Vec::new(),
    }
}

fn weave_all(
    sources: &BTreeMap<String, String>,
    mutants: &[Generated],
) -> anyhow::Result<BTreeMap<String, String>> {
    let mut by_file: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for mutant in mutants {
        let place = (
            mutant.range.clone(),
            mutant.id.as_str(),
            mutant.instead.as_str(),
        );
        by_file.entry(&mutant.file).or_default().push(place);
    }
    let mut woven = BTreeMap::new();
    for (file, places) in by_file {
        let text = weave::weave_places(file, &sources[file], places)?;
        woven.insert(file.to_owned(), text);
    }
    Ok(woven)
}

/// The mutant that an error of the compiler comes from: one whose code the error names, else the one whose
/// choice is the last before it.
fn blame(woven: &BTreeMap<String, String>, places: &[Place]) -> Option<String> {
    let inside = places.iter().find_map(|place| {
        let choices = choices(woven.get(&place.file)?);
        let (id, _) = choices
            .into_iter()
            .find(|(_, code)| code.contains(&place.at))?;
        Some(id)
    });
    let before = || {
        let place = places.iter().find(|place| place.is_primary)?;
        let choices = choices(woven.get(&place.file)?);
        let before = choices
            .into_iter()
            .rev()
            .find(|(_, code)| code.start <= place.at);
        before.map(|(id, _)| id)
    };
    inside.or_else(before)
}

/// Every choice in a woven file: the mutant, and where its code is.
fn choices(woven: &str) -> Vec<(String, Range<usize>)> {
    const SWITCH: &str = "mutant::is(\"";
    let choice = |(at, _): (usize, &str)| {
        let id = woven[at + SWITCH.len()..].split('"').next()?;
        let start = at + SWITCH.len() + id.len();
        let end = woven[start..]
            .find("\n} else ")
            .map_or(woven.len(), |length| start + length);
        Some((id.to_owned(), start..end))
    };
    woven.match_indices(SWITCH).filter_map(choice).collect()
}

/// The score by file and in all, and every survivor with its change.
pub fn report(build: &Build, trials: &[Trial]) -> String {
    let killed: BTreeSet<&str> = trials
        .iter()
        .filter(|trial| !trial.killers().is_empty())
        .map(|trial| trial.mutant.id.trim_start_matches("gateway-"))
        .collect();
    let mut text = String::new();
    let mut by_file: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for mutant in &build.mutants {
        let (of_file, all) = by_file.entry(&mutant.file).or_default();
        *all += 1;
        if killed.contains(mutant.id.as_str()) {
            *of_file += 1;
            continue;
        }
        let _ = writeln!(
            text,
            "SURVIVED  {}:{} ({})",
            mutant.file, mutant.line, mutant.id
        );
        for (mark, code) in [("-", &mutant.text), ("+", &mutant.instead)] {
            for line in code.lines() {
                let _ = writeln!(text, "  {mark} {}", line.trim());
            }
        }
    }
    for (file, (killed, all)) in &by_file {
        let _ = writeln!(text, "{killed:4} of {all:4}  {file}");
    }
    let (killed, all) = (killed.len(), build.mutants.len());
    let _ = writeln!(
        text,
        "{killed} of {all} generated mutants killed ({} %); {} did not compile, {} are equivalent",
        killed * 100 / all.max(1),
        build.not_compiled,
        build.equivalent
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::self_check::exempt::Exemptions;

    const FILE: &str = "user-service/src/name.rs";

    /// The mutants that are blamed for a compile error at a place.
    #[track_caller]
    fn check(at: &str, is_primary: bool, expected: Option<&str>) {
        let source = "fn f() { g(1); h(2); }";
        let place = |text: &str| {
            let start = source.find(text).expect("it is there");
            start..start + text.len()
        };
        let places = vec![
            (place("1"), "g1", "\"one\""),
            (place("h(2);"), "g2", "drop(x);"),
        ];
        let woven = weave::weave_places(FILE, source, places).expect("they fit");
        let at = woven.find(at).expect("it is there");
        let woven = BTreeMap::from([(FILE.to_owned(), woven)]);
        let error = Place {
            file: FILE.to_owned(),
            at,
            is_primary,
        };
        assert_eq!(blame(&woven, &[error]).as_deref(), expected);
    }

    #[test]
    fn the_mutant_whose_code_an_error_names_is_to_blame() {
        check("\"one\"", true, Some("g1"));
        check("drop(x)", false, Some("g2"));
    }

    #[test]
    fn else_it_is_the_last_one_before_the_error() {
        check("{ 1", true, Some("g1"));
        check("h(2)", true, Some("g2"));
        check("h(2)", false, None);
        check("fn f", true, None);
    }

    #[test]
    fn every_equivalent_change_in_the_list_is_one_of_the_reference() {
        let mutants = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mutants");
        let listed = Exemptions::read(&mutants.join("exempt.toml")).expect("a list");
        let workspace = Workspace::in_repository_of(&mutants, "mutants-generated");
        let sources = workspace
            .and_then(|it| it.sources())
            .expect("the reference");
        let mut made = of_files(&sources, |_| true).expect("Rust");
        check_used(&listed.equivalent, &made, |_| true).expect("entries that are used");
        made.retain(|mutant| !mutant.is_equivalent(&listed.equivalent[0]));
        check_used(&listed.equivalent, &made, |_| true).expect_err("an unused entry");
    }

    #[test]
    fn an_equivalent_mutant_is_one_with_the_same_change_of_the_same_file() {
        let mutants = of_file(FILE, "fn f() { a\n  < b }", 0).expect("Rust");
        let check = |file: &str, instead: &str| {
            mutants[0].is_equivalent(&Equivalent {
                file: file.to_owned(),
                text: "a < b".to_owned(),
                instead: instead.to_owned(),
                reason: String::new(),
            })
        };
        assert!(check(FILE, "a <= b"));
        assert!(!check(FILE, "a > b"));
        assert!(!check("gateway/src/name.rs", "a <= b"));
    }

    #[test]
    fn files_of_tests_and_mains_have_no_mutants() {
        let mutants = |file: &str| of_file(file, "fn f() { a < b }", 7).expect("Rust");
        assert_eq!(mutants("gateway/src/main.rs").len(), 0);
        assert_eq!(mutants("gateway/tests/it/main.rs").len(), 0);
        let [mutant] = &mutants("platform/src/a.rs")[..] else {
            panic!("one mutant");
        };
        assert_eq!((mutant.id.as_str(), mutant.text.as_str()), ("g7", "a < b"));
        assert_eq!(mutant.programs(&BTreeMap::new()).len(), 2);
    }
}
