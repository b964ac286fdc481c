//! The manifest: `conformance.toml`, checked against the catalogue.
//!
//! Each error names the file, the line and the allowed values.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_spanned::Spanned;

use crate::catalogue::Catalogue;

/// A manifest that was validated against the catalogue.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// The folder that relative paths are relative to.
    pub folder: PathBuf,
    /// `subject.name`.
    pub name: String,
    /// `subject.version`.
    pub version: String,
    /// The declared capabilities.
    pub capabilities: Vec<String>,
    /// The command that builds the implementation before the run, if any.
    pub build: Option<Vec<String>>,
    /// How each component is started, by component name.
    pub components: BTreeMap<String, ComponentCommand>,
    /// Clauses that the implementation is known to violate.
    pub known_deviations: Vec<KnownDeviation>,
}

/// The command that starts a component, and the variables that its environment gets besides the contract's settings.
#[derive(Clone, Debug)]
pub struct ComponentCommand {
    /// Program and its first arguments; not empty.
    pub command: Vec<String>,
    /// Extra variables; on a conflict the contract's settings win.
    pub env: BTreeMap<String, String>,
    /// Names of variables that are copied from the caller's environment.
    pub inherit: Vec<String>,
}

/// A clause that the implementation is known to violate.
#[derive(Clone, Debug)]
pub struct KnownDeviation {
    /// The clause's id.
    pub clause: String,
    /// The name of one scenario of the clause; `None` means all of them.
    pub scenario: Option<String>,
    /// The reason, shown in every report.
    pub reason: String,
    /// The line of the declaration in the manifest.
    pub line: usize,
}

/// What is wrong with a manifest.
#[derive(Debug)]
pub struct ManifestError {
    file: PathBuf,
    line: Option<usize>,
    problem: String,
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.problem)
    }
}

impl std::error::Error for ManifestError {}

impl Manifest {
    /// Reads and checks the manifest at `path`.
    pub fn load(path: &Path, catalogue: &Catalogue) -> Result<Self, ManifestError> {
        let text = std::fs::read_to_string(path).map_err(|cause| ManifestError {
            file: path.to_path_buf(),
            line: None,
            problem: format!(
                "cannot read the manifest: {cause}; name one with --manifest FILE, or start from `conformance init`"
            ),
        })?;
        Self::parse(path, &text, catalogue)
    }

    /// Parses and checks a manifest's text. `path` appears in messages, and relative paths are relative to its folder.
    pub fn parse(path: &Path, text: &str, catalogue: &Catalogue) -> Result<Self, ManifestError> {
        let raw: RawManifest = toml::from_str(text).map_err(|error| ManifestError {
            file: path.to_path_buf(),
            line: error.span().map(|span| line_of(text, &span)),
            problem: error.message().replace('\n', "; "),
        })?;
        let validator = Validator {
            path,
            text,
            catalogue,
        };
        validator.contract(&raw.subject)?;
        validator.capabilities(&raw.subject)?;
        Ok(Self {
            folder: folder_of(path),
            components: validator.components(raw.components)?,
            known_deviations: validator.deviations(raw.known_deviations)?,
            build: validator.build(raw.subject.build)?,
            name: raw.subject.name,
            version: raw.subject.version,
            capabilities: raw
                .subject
                .capabilities
                .into_iter()
                .map(Spanned::into_inner)
                .collect(),
        })
    }

    /// The deviation that covers this scenario, if one is declared.
    pub fn deviation(&self, clause: &str, scenario: &str) -> Option<&KnownDeviation> {
        self.known_deviations.iter().find(|declared| {
            declared.clause == clause
                && declared
                    .scenario
                    .as_deref()
                    .is_none_or(|name| name == scenario)
        })
    }
}

fn folder_of(path: &Path) -> PathBuf {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    std::path::absolute(folder).unwrap_or_else(|_| folder.to_path_buf())
}

fn line_of(text: &str, span: &Range<usize>) -> usize {
    text.bytes()
        .take(span.start)
        .filter(|byte| *byte == b'\n')
        .count()
        + 1
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawManifest {
    subject: RawSubject,
    components: Spanned<BTreeMap<Spanned<String>, RawComponent>>,
    #[serde(default)]
    known_deviations: Vec<RawDeviation>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSubject {
    name: String,
    version: String,
    contract: Spanned<String>,
    #[serde(default)]
    capabilities: Vec<Spanned<String>>,
    build: Option<Spanned<Vec<String>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawComponent {
    command: Option<Spanned<Vec<String>>>,
    image: Option<Spanned<String>>,
    endpoint: Option<Spanned<RawEndpoint>>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default)]
    inherit: Vec<String>,
}

/// Only checked for unknown keys: subjects of kind endpoint are not supported yet.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(
    dead_code,
    reason = "the keys are checked, their values are not used yet"
)]
struct RawEndpoint {
    grpc: Option<String>,
    http: Option<String>,
    metrics: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDeviation {
    clause: Spanned<String>,
    scenario: Option<String>,
    reason: String,
}

/// The checks beyond what deserialization enforces.
struct Validator<'a> {
    path: &'a Path,
    text: &'a str,
    catalogue: &'a Catalogue,
}

impl Validator<'_> {
    fn error(&self, span: &Range<usize>, problem: String) -> ManifestError {
        ManifestError {
            file: self.path.to_path_buf(),
            line: Some(line_of(self.text, span)),
            problem,
        }
    }

    fn contract(&self, subject: &RawSubject) -> Result<(), ManifestError> {
        let judged = self.catalogue.contract;
        if subject.contract.get_ref() == judged {
            return Ok(());
        }
        let problem = format!(
            "this suite does not judge contract {:?}; allowed: {judged:?}",
            subject.contract.get_ref()
        );
        Err(self.error(&subject.contract.span(), problem))
    }

    fn capabilities(&self, subject: &RawSubject) -> Result<(), ManifestError> {
        for (index, name) in subject.capabilities.iter().enumerate() {
            if !self
                .catalogue
                .capabilities
                .contains(&name.get_ref().as_str())
            {
                let problem = format!(
                    "unknown capability {:?}; allowed: {}",
                    name.get_ref(),
                    self.catalogue.capabilities.join(", ")
                );
                return Err(self.error(&name.span(), problem));
            }
            let is_duplicate = subject.capabilities[..index]
                .iter()
                .any(|earlier| earlier.get_ref() == name.get_ref());
            if is_duplicate {
                let problem = format!("capability {:?} is named twice", name.get_ref());
                return Err(self.error(&name.span(), problem));
            }
        }
        Ok(())
    }

    fn build(
        &self,
        build: Option<Spanned<Vec<String>>>,
    ) -> Result<Option<Vec<String>>, ManifestError> {
        match build {
            Some(words) if words.get_ref().is_empty() => {
                let problem = "subject.build is empty; give a program and its arguments".to_owned();
                Err(self.error(&words.span(), problem))
            }
            other => Ok(other.map(Spanned::into_inner)),
        }
    }

    fn components(
        &self,
        raw: Spanned<BTreeMap<Spanned<String>, RawComponent>>,
    ) -> Result<BTreeMap<String, ComponentCommand>, ManifestError> {
        let allowed: Vec<&str> = self.catalogue.components.iter().map(|it| it.name).collect();
        let allowed = allowed.join(", ");
        let span = raw.span();
        let mut components = BTreeMap::new();
        for (name, component) in raw.into_inner() {
            if self.catalogue.component(name.get_ref()).is_none() {
                let problem = format!("unknown component {:?}; allowed: {allowed}", name.get_ref());
                return Err(self.error(&name.span(), problem));
            }
            let source = self.component(&name, component)?;
            components.insert(name.into_inner(), source);
        }
        if components.is_empty() {
            let problem = format!(
                "the manifest has no component; add [components.NAME], NAME one of: {allowed}"
            );
            return Err(self.error(&span, problem));
        }
        Ok(components)
    }

    fn component(
        &self,
        name: &Spanned<String>,
        raw: RawComponent,
    ) -> Result<ComponentCommand, ManifestError> {
        let unsupported = raw
            .image
            .map(|image| ("image", image.span()))
            .or(raw.endpoint.map(|endpoint| ("endpoint", endpoint.span())));
        match (raw.command, unsupported) {
            (Some(command), None) if command.get_ref().is_empty() => {
                let problem = format!(
                    "components.{}.command is empty; give a program and its arguments",
                    name.get_ref()
                );
                Err(self.error(&command.span(), problem))
            }
            (Some(command), None) => Ok(ComponentCommand {
                command: command.into_inner(),
                env: raw.env,
                inherit: raw.inherit,
            }),
            (None, Some((kind, span))) => {
                let problem = format!(
                    "components.{}.{kind} is not supported by this version of the suite; allowed: command",
                    name.get_ref()
                );
                Err(self.error(&span, problem))
            }
            (None, None) | (Some(_), Some(_)) => {
                let problem = format!(
                    "components.{} needs exactly one of: command, image, endpoint",
                    name.get_ref()
                );
                Err(self.error(&name.span(), problem))
            }
        }
    }

    fn deviations(&self, raw: Vec<RawDeviation>) -> Result<Vec<KnownDeviation>, ManifestError> {
        raw.into_iter()
            .map(|declared| {
                let span = declared.clause.span();
                let clause = declared.clause.into_inner();
                if !self.catalogue.has_clause(&clause) {
                    let problem = format!(
                        "unknown clause {clause:?} in known_deviations; `conformance list` shows all clauses"
                    );
                    return Err(self.error(&span, problem));
                }
                if declared.reason.trim().is_empty() {
                    let problem = format!("the known deviation from {clause} needs a reason");
                    return Err(self.error(&span, problem));
                }
                Ok(KnownDeviation {
                    clause,
                    scenario: declared.scenario,
                    reason: declared.reason,
                    line: line_of(self.text, &span),
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
