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

/// The files below a folder whose names end so, in the order of their paths.
pub fn files(folder: &str, ending: &str) -> Vec<File> {
    let root = root();
    let mut files = Vec::new();
    let mut folders = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                if !path.ends_with("target") {
                    folders.push(path);
                }
            } else if path.to_string_lossy().ends_with(ending) {
                let inside = path.strip_prefix(&root).expect("below the root");
                files.push(File {
                    path: inside.to_string_lossy().into_owned(),
                    text: std::fs::read_to_string(&path).expect("a text"),
                });
            }
        }
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    files
}
