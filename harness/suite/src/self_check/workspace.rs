//! Workspaces of mutants: copies of the reference with edits woven in, and their builds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;

use super::weave::{self, EditedMutant};

/// What is copied, all with the same place as in the repository.
const COPIED: [&str; 3] = ["proto", "reference-impl", "harness/mutants"];

/// Files by their path below a folder.
type Tree = BTreeMap<PathBuf, Vec<u8>>;

/// Weaves the edits in the folder of the mutants into a copy of the reference, and builds it.
pub fn prepare(mutants: &Path) -> anyhow::Result<()> {
    let workspace = Workspace::in_repository_of(mutants, "mutants-woven")?;
    let edits = read_edits(&mutants.join("edits"))?;
    let woven = weave::weave(&workspace.sources()?, &edits).map_err(|errors| all(&errors))?;
    workspace.write(woven, &edits)?;
    println!("building the reference with {} edits woven in", edits.len());
    workspace.build()
}

/// The clauses that the edits of each file of the reference break.
pub fn clauses_by_file(mutants: &Path) -> anyhow::Result<BTreeMap<String, BTreeSet<String>>> {
    let mut clauses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for mutant in read_edits(&mutants.join("edits"))? {
        for edit in mutant.edit {
            let of_file = clauses.entry(edit.file).or_default();
            of_file.insert(mutant.clause.clone());
        }
    }
    Ok(clauses)
}

fn read_edits(folder: &Path) -> anyhow::Result<Vec<EditedMutant>> {
    let files = read(folder)?;
    let mut texts = Vec::new();
    for (path, content) in &files {
        let text =
            str::from_utf8(content).with_context(|| format!("{} is not text", path.display()))?;
        texts.push((path.to_str().context("a path is not text")?, text));
    }
    weave::parse(texts).map_err(|errors| all(&errors))
}

fn all(errors: &[weave::WeaveError]) -> anyhow::Error {
    let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
    anyhow::anyhow!(
        "edits that do not fit the reference:\n{}",
        errors.join("\n")
    )
}

/// A workspace of cargo with a copy of the reference. Its name is that of its folder in `target`, of the program
/// that it builds, and of the folder that the copies are in: cargo distinguishes crates by their path in a
/// workspace, and all workspaces share one target folder, so that dependencies are built once.
pub struct Workspace {
    /// The repository.
    root: PathBuf,
    name: &'static str,
}

impl Workspace {
    /// The workspace of this name, in the repository that holds this folder of mutants.
    pub fn in_repository_of(mutants: &Path, name: &'static str) -> anyhow::Result<Self> {
        let root = mutants.join("../..");
        let root = root
            .canonicalize()
            .with_context(|| format!("cannot find the repository at {}", root.display()))?;
        Ok(Self { root, name })
    }

    /// The reference's source files, by their path below `reference-impl`.
    pub fn sources(&self) -> anyhow::Result<BTreeMap<String, String>> {
        let files = read(&self.root.join("reference-impl"))?;
        let sources = files.into_iter().filter_map(|(path, content)| {
            let is_source = path.extension().is_some_and(|extension| extension == "rs");
            let text = String::from_utf8(content).ok().filter(|_| is_source)?;
            Some((path.to_str()?.to_owned(), text))
        });
        Ok(sources.collect())
    }

    /// The program that it builds.
    pub fn program(&self) -> PathBuf {
        self.root.join("target/debug").join(self.name)
    }

    fn folder(&self) -> PathBuf {
        self.root.join("target").join(self.name)
    }

    /// Makes it hold the reference with these files woven, and the list of their mutants.
    pub fn write(
        &self,
        woven: BTreeMap<String, String>,
        mutants: &[EditedMutant],
    ) -> anyhow::Result<()> {
        let copy = Path::new(self.name);
        let mut tree = Tree::new();
        for folder in COPIED {
            let files = read(&self.root.join(folder))?.into_iter();
            tree.extend(files.map(|(path, content)| (copy.join(folder).join(path), content)));
        }
        let reference = copy.join("reference-impl");
        let woven = woven.into_iter();
        tree.extend(woven.map(|(file, text)| (reference.join(file), text.into_bytes())));
        let platform = reference.join("platform/src");
        tree.insert(platform.join("mutant.rs"), weave::SWITCH_MODULE.into());
        let library = tree.entry(platform.join("lib.rs")).or_default();
        library.extend(b"\npub mod mutant;\n");
        let program = copy.join("harness/mutants");
        let list = weave::list_module(mutants);
        tree.insert(program.join("src/edited/woven.rs"), list.into());
        let manifest = tree.entry(program.join("Cargo.toml")).or_default();
        *manifest = rename_program(str::from_utf8(manifest)?, self.name)?.into();
        let manifest = std::fs::read_to_string(self.root.join("Cargo.toml"))?;
        let manifest: toml::Table = manifest.parse()?;
        for member in members(&manifest).filter(|member| !is_copied(member)) {
            let manifest = std::fs::read_to_string(self.root.join(member).join("Cargo.toml"))?;
            let stub = copy.join(member);
            tree.insert(stub.join("Cargo.toml"), stub_manifest(&manifest)?.into());
            tree.insert(stub.join("src/lib.rs"), Vec::new());
        }
        tree.insert(
            "Cargo.toml".into(),
            workspace_manifest(manifest, self.name)?.into(),
        );
        write(&self.folder(), copy, &tree)?;
        std::fs::copy(
            self.root.join("Cargo.lock"),
            self.folder().join("Cargo.lock"),
        )?;
        Ok(())
    }

    /// Builds its program, with cargo's own progress.
    pub fn build(&self) -> anyhow::Result<()> {
        let status = self.cargo().status().context("cannot run cargo")?;
        ensure!(
            status.success(),
            "the reference with the edits does not build: {status}"
        );
        Ok(())
    }

    /// Builds its program; returns where the compiler found errors, one list for each of them.
    pub fn errors(&self) -> anyhow::Result<Vec<Vec<Place>>> {
        let mut cargo = self.cargo();
        cargo
            .args(["--message-format", "json"])
            .stderr(Stdio::inherit());
        let output = cargo.output().context("cannot run cargo")?;
        let copy = format!("{}/reference-impl/", self.name);
        let errors: Vec<Vec<Place>> = str::from_utf8(&output.stdout)?
            .lines()
            .filter_map(|line| serde_json::from_str::<Message>(line).ok()?.message)
            .filter(|message| message.level == "error")
            .map(|message| places(message, &copy))
            .filter(|places| !places.is_empty())
            .collect();
        ensure!(
            output.status.success() || !errors.is_empty(),
            "the reference with generated mutants does not build: {}",
            output.status
        );
        Ok(errors)
    }

    fn cargo(&self) -> Command {
        let mut cargo = Command::new("cargo");
        cargo
            .args(["build", "--bin", self.name, "--target-dir"])
            .arg(self.root.join("target"))
            .current_dir(self.folder())
            .stdin(Stdio::null());
        cargo
    }
}

/// A place in a woven file of the reference that an error of the compiler names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file's path below `reference-impl`.
    pub file: String,
    /// The byte where it begins.
    pub at: usize,
    /// Whether it is where the error is, not what only explains it.
    pub is_primary: bool,
}

/// One line of cargo's output.
#[derive(Deserialize)]
struct Message {
    message: Option<Diagnostic>,
}

#[derive(Deserialize)]
struct Diagnostic {
    level: String,
    spans: Vec<DiagnosticSpan>,
}

#[derive(Deserialize)]
struct DiagnosticSpan {
    file_name: String,
    byte_start: usize,
    is_primary: bool,
}

fn places(message: Diagnostic, copy: &str) -> Vec<Place> {
    let spans = message.spans.into_iter();
    let place = |span: DiagnosticSpan| {
        Some(Place {
            file: span.file_name.strip_prefix(copy)?.to_owned(),
            at: span.byte_start,
            is_primary: span.is_primary,
        })
    };
    spans.filter_map(place).collect()
}

fn is_copied(path: &str) -> bool {
    COPIED
        .iter()
        .any(|folder| Path::new(path).starts_with(folder))
}

fn members(workspace: &toml::Table) -> impl Iterator<Item = &str> {
    let members = workspace.get("workspace").and_then(|it| it.get("members"));
    let members = members
        .and_then(toml::Value::as_array)
        .into_iter()
        .flatten();
    members.filter_map(toml::Value::as_str)
}

/// The manifest of the workspace: the repository's, of the copies.
fn workspace_manifest(mut manifest: toml::Table, copy: &str) -> anyhow::Result<String> {
    let moved = |path: &str| toml::Value::from(format!("{copy}/{path}"));
    let members: Vec<toml::Value> = members(&manifest).map(moved).collect();
    let workspace = manifest
        .get_mut("workspace")
        .and_then(toml::Value::as_table_mut)
        .context("Cargo.toml describes no workspace")?;
    workspace.remove("default-members");
    workspace.insert("members".to_owned(), members.into());
    // What is woven looks as it may.
    let lints: toml::Table = toml::from_str("rust.warnings = 'allow'")?;
    workspace.insert("lints".to_owned(), lints.into());
    let dependencies = workspace
        .get_mut("dependencies")
        .and_then(toml::Value::as_table_mut);
    for (_, dependency) in dependencies.into_iter().flatten() {
        if let Some(path) = dependency
            .get("path")
            .and_then(toml::Value::as_str)
            .map(moved)
        {
            dependency["path"] = path;
        }
    }
    Ok(toml::to_string(&manifest)?)
}

/// The manifest of a member that the mutants do not need. It is there for the features of its dependencies:
/// with any others, they would be built again.
fn stub_manifest(manifest: &str) -> anyhow::Result<String> {
    let mut manifest: toml::Table = manifest.parse()?;
    for target in ["lib", "bin", "test", "bench", "example"] {
        manifest.remove(target);
    }
    Ok(toml::to_string(&manifest)?)
}

/// The manifest of the program with another name: one target folder holds it and the one without edits.
fn rename_program(manifest: &str, name: &str) -> anyhow::Result<String> {
    let mut manifest: toml::Table = manifest.parse()?;
    let program = manifest
        .get_mut("bin")
        .and_then(|programs| programs.get_mut(0));
    let Some(program) = program else {
        bail!("the mutants' Cargo.toml has no [[bin]]")
    };
    program["name"] = name.into();
    Ok(toml::to_string(&manifest)?)
}

/// Every file in the folder.
fn read(folder: &Path) -> anyhow::Result<Tree> {
    let (mut tree, mut folders) = (Tree::new(), vec![PathBuf::new()]);
    while let Some(below) = folders.pop() {
        let path = folder.join(&below);
        let entries = path
            .read_dir()
            .with_context(|| format!("cannot read {}", path.display()))?;
        for entry in entries {
            let entry = entry?;
            let (name, path) = (below.join(entry.file_name()), entry.path());
            if entry.file_type()?.is_dir() {
                folders.push(name);
            } else {
                let content = std::fs::read(&path)
                    .with_context(|| format!("cannot read {}", path.display()))?;
                tree.insert(name, content);
            }
        }
    }
    Ok(tree)
}

/// Makes the folder hold the tree, all of whose copies are in `copy`, and touches only what differs: cargo
/// goes by the time of a change.
fn write(folder: &Path, copy: &Path, tree: &Tree) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    let present = read(folder)?;
    for path in present
        .keys()
        .filter(|path| path.starts_with(copy) && !tree.contains_key(*path))
    {
        std::fs::remove_file(folder.join(path))?;
    }
    for (path, content) in tree
        .iter()
        .filter(|(path, content)| present.get(*path) != Some(content))
    {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(&path, content)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_is_the_repositorys_of_the_copies() {
        let repository = "
            [workspace]
            members = ['proto', 'benches']
            default-members = ['proto']
            [workspace.dependencies]
            user-proto = { path = 'proto' }
            serde = '1'
            [workspace.lints.rust]
            missing_docs = 'warn'
            [profile.dev]
            opt-level = 1
        ";
        let manifest = repository.parse().expect("TOML");
        let manifest = workspace_manifest(manifest, "copies").expect("a workspace");
        let found: toml::Table = manifest.parse().expect("TOML");
        let expected = "
            [workspace]
            members = ['copies/proto', 'copies/benches']
            [workspace.dependencies]
            user-proto = { path = 'copies/proto' }
            serde = '1'
            [workspace.lints.rust]
            warnings = 'allow'
            [profile.dev]
            opt-level = 1
        ";
        assert_eq!(found, expected.parse().expect("TOML"));
        let no_workspace = "package.name = 'x'".parse().expect("TOML");
        assert!(workspace_manifest(no_workspace, "copies").is_err());
    }

    #[test]
    fn only_what_differs_is_touched() {
        let folder = tempfile::tempdir().expect("a folder");
        let copy = Path::new("copies");
        let tree = |files: &[(&str, &str)]| -> Tree {
            let files = files.iter();
            files
                .map(|(path, text)| (PathBuf::from(path), (*text).into()))
                .collect()
        };
        let first = tree(&[
            ("Cargo.toml", "1"),
            ("copies/a.rs", "a"),
            ("copies/b/c.rs", "c"),
        ]);
        write(folder.path(), copy, &first).expect("it can be written");
        // What cargo writes is none of the tree's.
        std::fs::write(folder.path().join("Cargo.lock"), "lock").expect("it can be written");
        let before = std::fs::metadata(folder.path().join("copies/a.rs"));
        let second = tree(&[("Cargo.toml", "2"), ("copies/a.rs", "a")]);
        write(folder.path(), copy, &second).expect("it can be written");
        let after = std::fs::metadata(folder.path().join("copies/a.rs"));
        let modified = |file: std::io::Result<std::fs::Metadata>| file.and_then(|it| it.modified());
        assert_eq!(modified(before).ok(), modified(after).ok());
        let mut expected = second;
        expected.insert("Cargo.lock".into(), b"lock".into());
        assert_eq!(read(folder.path()).expect("it can be read"), expected);
    }

    #[test]
    fn places_are_those_in_the_reference() {
        let message = r#"{"level": "error", "spans": [
            {"file_name": "copies/reference-impl/platform/src/a.rs", "byte_start": 7, "is_primary": true},
            {"file_name": "/rustc/library/core/src/option.rs", "byte_start": 9, "is_primary": false}
        ]}"#;
        let message = serde_json::from_str(message).expect("JSON");
        let expected = Place {
            file: "platform/src/a.rs".to_owned(),
            at: 7,
            is_primary: true,
        };
        assert_eq!(places(message, "copies/reference-impl/"), [expected]);
    }
}
