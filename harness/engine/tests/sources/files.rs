//! The files of the repository, as text.

use std::path::{Path, PathBuf};

/// The root of the repository.
pub fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().expect("the repository is there")
}

/// One text file.
#[derive(Clone, Debug)]
pub struct File {
    /// Relative to the root, with `/` between its parts.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// Folders with files that the repository does not hold: built, installed or drawn.
const GENERATED: [&str; 5] = ["target", "node_modules", ".venv", "build", "__pycache__"];

/// How the names of texts end. A name without a dot is that of a script or a Dockerfile. SQL is left out: a migration
/// is never edited, since databases hold its checksum.
const TEXTS: [&str; 8] = ["rs", "feature", "toml", "md", "txt", "proto", "py", "js"];

/// The files below a folder whose names end so, in the order of their paths.
pub fn files(folder: &str, ending: &str) -> Vec<File> {
    let paths = paths(&root().join(folder));
    let matching = paths
        .iter()
        .filter(|path| path.to_string_lossy().ends_with(ending));
    matching.map(|path| read(path)).collect()
}

/// The texts below a folder, in the order of their paths; of a file, that file.
pub fn texts(path: &str) -> Vec<File> {
    let is_text = |path: &&PathBuf| {
        let ending = path.extension().map(|ending| ending.to_string_lossy());
        ending.is_none_or(|ending| TEXTS.contains(&ending.as_ref()))
    };
    let paths = paths(&root().join(path));
    paths
        .iter()
        .filter(is_text)
        .map(|path| read(path))
        .collect()
}

/// The files below a folder, sorted; of a file, its own path.
fn paths(path: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut left = vec![path.to_owned()];
    while let Some(path) = left.pop() {
        if !path.is_dir() {
            files.push(path);
        } else if !GENERATED.iter().any(|name| path.ends_with(name)) {
            let entries = std::fs::read_dir(&path).expect("a folder").flatten();
            left.extend(entries.map(|entry| entry.path()));
        }
    }
    files.sort();
    files
}

fn read(path: &Path) -> File {
    let inside = path.strip_prefix(root()).expect("below the root");
    File {
        path: inside.to_string_lossy().into_owned(),
        text: std::fs::read_to_string(path).expect("a text"),
    }
}
