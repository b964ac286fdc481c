//! `promtool`, the program of Prometheus that checks pages of metrics.

use std::process::Stdio;
use std::time::Duration;

use conformance_engine::failure::{Failure, StepResult};
use conformance_engine::sandbox::host::Host;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// Time limit of a check.
const GIVE_UP: Duration = Duration::from_secs(30);

/// Checks a page with `promtool check metrics`: `Ok` holds what it objects to, one problem a line, or nothing.
///
/// Fails if the program is missing, or does not do its work.
pub async fn check(page: &str) -> StepResult<Vec<String>> {
    let programs = Host::local().programs("promtool");
    let Some(program) = programs.first() else {
        return Err(Failure::Missing {
            reason: "no `promtool` in PATH or in the usual folders; install the package prometheus"
                .to_owned(),
        });
    };
    let mut child = Command::new(program)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(Failure::broken)?;
    let stdin = child.stdin.take();
    let mut stdin = stdin.ok_or_else(|| Failure::broken("promtool has no standard input"))?;
    let work = async {
        let written = stdin.write_all(page.as_bytes()).await;
        drop(stdin);
        (written, child.wait_with_output().await)
    };
    let ended = tokio::time::timeout(GIVE_UP, work).await;
    let (_, output) = ended.map_err(|_| Failure::broken("promtool does not end"))?;
    let output = output.map_err(Failure::broken)?;
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    match (output.status.success(), lines.is_empty()) {
        (true, _) => Ok(Vec::new()),
        (false, false) => Ok(lines),
        (false, true) => Err(Failure::broken(format!("promtool: {}", output.status))),
    }
}
