//! Renders a [`RunReport`] for people, for scripts and for CI.
//!
//! - `text`: sanitizes untrusted text, wraps and formats text
//! - `output_style`: whether output has colours and redrawn lines, and its width
//! - `summary`: the counts at the end of a report, and the exit status
//! - `evidence`: the block of text about a scenario that did not pass
//! - [`progress`]: shows progress while a run is executed
//! - [`terminal`]: the summary on the terminal at the end of a run
//! - [`verdict_json`]: `verdict.json`, for scripts
//! - [`junit`]: `junit.xml`, for CI
//! - [`recorder`]: writes intermediate reports while a run is executed
//!
//! Renderers do not compute verdicts: they show those of the model.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::run::model::RunReport;

mod evidence;
pub mod junit;
mod output_style;
pub mod progress;
pub mod recorder;
#[cfg(test)]
mod samples;
mod summary;
pub mod terminal;
#[cfg(test)]
mod tests;
mod text;
pub mod verdict_json;

use output_style::OutputStyle;
use summary::Summary;

/// Durations and processor time of a run, for `--timings`.
#[derive(Clone, Debug, Default)]
pub struct Timings {
    /// Wall-clock time of the run.
    pub wall: Duration,
    /// Processor time of the suite.
    pub suite_cpu: Duration,
    /// Processor time of the programs under test.
    pub subjects_cpu: Duration,
    /// Processor time of the backends that the suite started.
    pub backends_cpu: Duration,
    /// The phases of the run with their durations, in order.
    pub phases: Vec<(String, Duration)>,
}

/// Error of writing a report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The folder of `--report` cannot be created or is not writable.
    #[error("cannot write into the report folder {}: {cause}; choose another one with --report DIR", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// The error of the operating system.
        cause: io::Error,
    },
    /// One file cannot be written.
    #[error("cannot write the report {}: {cause}; free disk space, or choose another folder with --report DIR", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        cause: io::Error,
    },
    /// The summary cannot be printed.
    #[error("cannot print the summary: {0}; check where standard output is redirected to")]
    Summary(io::Error),
}

/// The files of `--report`.
const REPORT_FILES: [&str; 2] = ["verdict.json", "junit.xml"];

/// Creates the folder of `--report` and checks that it is writable, before the run starts.
///
/// Removes the report files of an earlier run, so that they are not mistaken for the result of this one.
pub fn prepare_folder(folder: &Path) -> Result<(), ReportError> {
    let result = std::fs::create_dir_all(folder).and_then(|()| {
        let mut probe = tempfile::tempfile_in(folder)?;
        probe.write_all(b"a full disk is noticed only by writing")?;
        probe.sync_all()?;
        REPORT_FILES
            .iter()
            .try_for_each(|name| remove_if_exists(&folder.join(name)))
    });
    result.map_err(|cause| ReportError::Folder {
        folder: folder.to_owned(),
        cause,
    })
}

fn remove_if_exists(file: &Path) -> io::Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Writes the files of `--report`, prints the summary, and returns the exit status.
///
/// If a file cannot be written, an exit status of 0 becomes 2, and the summary contains the error.
pub fn publish(
    run: &RunReport,
    timings: Option<&Timings>,
    folder: Option<&Path>,
) -> anyhow::Result<u8> {
    let written = folder.map_or(Ok(()), |folder| write_files(run, folder));
    let counts = Summary::new(run, written.err().as_ref());
    let text = terminal::summary(run, timings, &counts, OutputStyle::stdout());
    print_summary(&text)?;
    Ok(counts.exit_code)
}

/// Writes the files of `--report`.
pub fn write_files(run: &RunReport, folder: &Path) -> Result<(), ReportError> {
    // All drafts are written before the first is renamed, so that files of different runs are not mixed.
    let [verdict, junit] = REPORT_FILES;
    let drafts = [
        Draft::write(folder, verdict, &verdict_json::render(run))?,
        Draft::write(folder, junit, &junit::render(run))?,
    ];
    drafts.into_iter().try_for_each(Draft::publish)
}

/// A completely written temporary file that is renamed to its final path, so that readers never see a partial file.
struct Draft {
    path: PathBuf,
    file: tempfile::NamedTempFile,
}

impl Draft {
    fn write(folder: &Path, name: &str, content: &str) -> Result<Self, ReportError> {
        let path = folder.join(name);
        let written = || {
            let mut file = create_draft(folder)?;
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

/// Creates a temporary file with the permissions of an ordinary file: readable for all users, as the umask permits.
fn create_draft(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    use std::os::unix::fs::PermissionsExt as _;
    tempfile::Builder::new()
        .prefix(".report-")
        .permissions(std::fs::Permissions::from_mode(0o666))
        .tempfile_in(folder)
}

fn print_summary(summary: &str) -> Result<(), ReportError> {
    let mut out = io::stdout().lock();
    match out.write_all(summary.as_bytes()).and_then(|()| out.flush()) {
        // The reader has closed the pipe: `conformance run | head`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(ReportError::Summary),
    }
}
