//! The workspace of the mutants: a copy of the reference with every edit woven in, and its build.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail, ensure};

use super::weave::{self, EditedMutant};

/// What is copied, all with the same place below [`COPY`] as in the repository.
const COPIED: [&str; 3] = ["proto", "reference-impl", "harness/mutants"];

/// Where the copies are. A folder of its own: cargo tells crates apart by their path in a workspace, and
/// both workspaces share one target folder, so that dependencies are built once.
const COPY: &str = "copy";

/// The program of mutants as it is built with the edits.
const PROGRAM: &str = "mutants-woven";

/// Files by their path below a folder.
type Tree = BTreeMap<PathBuf, Vec<u8>>;

/// Weaves the edits beside the manifest of the mutants into a copy of the reference, and builds it.
pub fn prepare(mutants: &Path) -> anyhow::Result<()> {
    let root = mutants.join("../..");
    let root = root
        .canonicalize()
        .with_context(|| format!("cannot find the repository at {}", root.display()))?;
    let edits = read_edits(&mutants.join("edits"))?;
    let workspace = root.join("target/mutants-workspace");
    write(&workspace, &copy(&root, &edits)?)?;
    println!("building the reference with {} edits woven in", edits.len());
    build(&root, &workspace)
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

/// Every file of the workspace.
fn copy(root: &Path, edits: &[EditedMutant]) -> anyhow::Result<Tree> {
    let mut tree = Tree::new();
    for folder in COPIED {
        let files = read(&root.join(folder))?;
        tree.extend(
            files
                .into_iter()
                .map(|(path, content)| (Path::new(COPY).join(folder).join(path), content)),
        );
    }
    let reference = Path::new(COPY).join("reference-impl");
    let sources = tree.iter().filter_map(|(path, content)| {
        let file = path.strip_prefix(&reference).ok()?.to_str()?;
        Some((file.to_owned(), String::from_utf8(content.clone()).ok()?))
    });
    let woven = weave::weave(&sources.collect(), edits).map_err(|errors| all(&errors))?;
    tree.extend(
        woven
            .into_iter()
            .map(|(file, text)| (reference.join(file), text.into_bytes())),
    );
    let platform = reference.join("platform/src");
    tree.insert(platform.join("mutant.rs"), weave::SWITCH_MODULE.into());
    tree.entry(platform.join("lib.rs"))
        .or_default()
        .extend(b"\npub mod mutant;\n");
    let program = Path::new(COPY).join("harness/mutants");
    tree.insert(
        program.join("src/edited/woven.rs"),
        weave::list_module(edits).into(),
    );
    let manifest = tree.entry(program.join("Cargo.toml")).or_default();
    *manifest = rename_program(str::from_utf8(manifest)?)?.into();
    let manifest: toml::Table = std::fs::read_to_string(root.join("Cargo.toml"))?.parse()?;
    for member in members(&manifest).filter(|member| !is_copied(member)) {
        let stub = Path::new(COPY).join(member);
        let manifest = std::fs::read_to_string(root.join(member).join("Cargo.toml"))?;
        tree.insert(stub.join("Cargo.toml"), stub_manifest(&manifest)?.into());
        tree.insert(stub.join("src/lib.rs"), Vec::new());
    }
    tree.insert("Cargo.toml".into(), workspace_manifest(manifest)?.into());
    Ok(tree)
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
fn workspace_manifest(mut manifest: toml::Table) -> anyhow::Result<String> {
    let moved = |path: &str| toml::Value::from(format!("{COPY}/{path}"));
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
fn rename_program(manifest: &str) -> anyhow::Result<String> {
    let mut manifest: toml::Table = manifest.parse()?;
    let program = manifest
        .get_mut("bin")
        .and_then(|programs| programs.get_mut(0));
    let Some(program) = program else {
        bail!("the mutants' Cargo.toml has no [[bin]]")
    };
    program["name"] = PROGRAM.into();
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

/// Makes the folder hold the tree, and touches only what differs: cargo goes by the time of a change.
fn write(folder: &Path, tree: &Tree) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    let present = read(folder)?;
    for path in present
        .keys()
        .filter(|path| path.starts_with(COPY) && !tree.contains_key(*path))
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

/// Builds the program of mutants, with cargo's own progress.
fn build(root: &Path, workspace: &Path) -> anyhow::Result<()> {
    std::fs::copy(root.join("Cargo.lock"), workspace.join("Cargo.lock"))?;
    let status = Command::new("cargo")
        .args(["build", "--bin", PROGRAM, "--target-dir"])
        .arg(root.join("target"))
        .current_dir(workspace)
        .stdin(Stdio::null())
        .status()
        .context("cannot run cargo")?;
    ensure!(
        status.success(),
        "the reference with the edits does not build: {status}"
    );
    Ok(())
}
