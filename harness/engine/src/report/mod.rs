//! One model, [`RunReport`], rendered for people, for scripts and for CI.
//!
//! - `text`: untrusted text, wrapped and counted
//! - [`screen`]: colours, width, whether a line may be redrawn
//! - `summary`: the counts that every report ends with
//! - `evidence`: what shows why a scenario did not pass
//! - [`progress`]: while it runs
//! - [`terminal`]: the summary at its end
//! - [`verdict_json`]: for scripts
//! - [`junit`]: for CI
//! - [`recorder`]: what is known before a run ends
//!
//! No renderer judges: each states the verdicts that the model holds.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::run::model::RunReport;

mod evidence;
pub mod junit;
pub mod progress;
pub mod recorder;
#[cfg(test)]
mod samples;
pub mod screen;
mod summary;
pub mod terminal;
#[cfg(test)]
mod tests;
mod text;
pub mod verdict_json;

use screen::Screen;
use summary::Summary;

/// Where the time of a run went, for `--timings`.
#[derive(Clone, Debug, Default)]
pub struct Timings {
    /// From the start of the run to its end.
    pub wall: Duration,
    /// Processor time of the suite itself.
    pub suite_cpu: Duration,
    /// Processor time of the programs under test.
    pub subjects_cpu: Duration,
    /// Processor time of the backends that the suite started.
    pub backends_cpu: Duration,
    /// The parts of the run, in their order.
    pub phases: Vec<(String, Duration)>,
}

/// Why a report cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The folder of `--report` cannot be made or written.
    #[error("cannot write into the report folder {}: {cause}; give another one with --report DIR", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// One file cannot be written.
    #[error("cannot write the report {}: {cause}; make room, or give another folder with --report DIR", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// The summary cannot be printed.
    #[error("cannot print the summary: {0}; see what standard output is redirected to")]
    Summary(io::Error),
}

/// The files of `--report`.
const FILES: [&str; 2] = ["verdict.json", "junit.xml"];

/// Makes the folder of `--report` and proves that it can be written, before a run is spent on it.
///
/// The files of an older run are removed, so that they cannot be taken for the result of this one however it ends.
pub fn prepare(folder: &Path) -> Result<(), ReportError> {
    let written = std::fs::create_dir_all(folder).and_then(|()| {
        let mut probe = tempfile::tempfile_in(folder)?;
        probe.write_all(b"a full disk shows itself only when something is written")?;
        probe.sync_all()?;
        FILES.iter().try_for_each(|it| remove(&folder.join(it)))
    });
    written.map_err(|cause| ReportError::Folder {
        folder: folder.to_owned(),
        cause,
    })
}

fn remove(file: &Path) -> io::Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Writes the files of `--report`, prints the summary, and answers the exit status.
///
/// A file that cannot be written turns a good exit status into 2, and the summary says why.
pub fn publish(
    run: &RunReport,
    timings: Option<&Timings>,
    folder: Option<&Path>,
) -> anyhow::Result<u8> {
    let written = folder.map_or(Ok(()), |folder| write_files(run, folder));
    let counts = Summary::of(run, written.err().as_ref());
    let text = terminal::summary(run, timings, &counts, Screen::stdout());
    print(&text)?;
    Ok(counts.exit_code)
}

/// Writes the files of `--report` as they are known now.
pub fn write_files(run: &RunReport, folder: &Path) -> Result<(), ReportError> {
    // All are complete before one gets its name, so that a new verdict never stands next to an older report.
    let [verdict, junit] = FILES;
    let drafts = [
        Draft::write(folder, verdict, &verdict_json::render(run))?,
        Draft::write(folder, junit, &junit::render(run))?,
    ];
    drafts.into_iter().try_for_each(Draft::publish)
}

/// A whole file without its name, so that a reader finds the old one or the new one, never a part.
struct Draft {
    path: PathBuf,
    file: tempfile::NamedTempFile,
}

impl Draft {
    fn write(folder: &Path, name: &str, content: &str) -> Result<Self, ReportError> {
        let path = folder.join(name);
        let written = || {
            let mut file = draft(folder)?;
            file.write_all(content.as_bytes())?;
            file.as_file().sync_all()?;
            Ok(file)
        };
        match written() {
            Ok(file) => Ok(Self { path, file }),
            Err(cause) => Err(ReportError::File { path, cause }),
        }
    }

    fn publish(self) -> Result<(), ReportError> {
        let Self { path, file } = self;
        match file.persist(&path) {
            Ok(_) => Ok(()),
            Err(error) => Err(ReportError::File {
                path,
                cause: error.error,
            }),
        }
    }
}

/// A temporary file that all users may read once it has its name, as the umask allows.
fn draft(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    use std::os::unix::fs::PermissionsExt as _;
    tempfile::Builder::new()
        .prefix(".report-")
        .permissions(std::fs::Permissions::from_mode(0o666))
        .tempfile_in(folder)
}

fn print(summary: &str) -> Result<(), ReportError> {
    let mut out = io::stdout().lock();
    match out.write_all(summary.as_bytes()).and_then(|()| out.flush()) {
        // The reader has seen enough: `conformance run | head`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(ReportError::Summary),
    }
}
