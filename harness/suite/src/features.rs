//! Loads the feature files: those embedded in the `conformance` binary, or those of a folder.

use std::path::Path;

use anyhow::Context as _;
use conformance_engine::features::parse::{self, Document, FeatureSource};
use include_dir::{Dir, include_dir};

static EMBEDDED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../features");

/// Parses the features of `folder`, or the embedded ones.
pub fn load(folder: Option<&Path>) -> anyhow::Result<Vec<Document>> {
    let mut sources = match folder {
        Some(folder) => read(folder)?,
        None => embedded(),
    };
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    parse::parse(&sources).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("{}", lines.join("\n"))
    })
}

fn embedded() -> Vec<FeatureSource> {
    let mut sources = Vec::new();
    let mut folders = vec![&EMBEDDED];
    while let Some(folder) = folders.pop() {
        folders.extend(folder.dirs());
        sources.extend(folder.files().filter_map(|file| {
            let path = file.path().to_str()?;
            path.ends_with(".feature").then_some(())?;
            Some(FeatureSource {
                path: path.to_owned(),
                text: file.contents_utf8()?.to_owned(),
            })
        }));
    }
    sources
}

fn read(root: &Path) -> anyhow::Result<Vec<FeatureSource>> {
    let mut sources = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder)
            .with_context(|| format!("cannot read the folder of features {}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "feature") {
                let text = std::fs::read_to_string(&path)
                    .with_context(|| format!("cannot read {}", path.display()))?;
                let path = path.strip_prefix(root).unwrap_or(&path);
                sources.push(FeatureSource {
                    path: path.to_string_lossy().into_owned(),
                    text,
                });
            }
        }
    }
    Ok(sources)
}
