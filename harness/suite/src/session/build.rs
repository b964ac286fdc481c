//! The manifest's `build` command.

use std::process::Stdio;

use anyhow::{Context as _, ensure};
use conformance_engine::manifest::Manifest;
use conformance_engine::sandbox::Sandbox;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

/// Runs the command, if there is one; false if a signal ended it. However the suite ends, the build ends as well, with
/// all that it started.
pub(super) async fn run(
    manifest: &Manifest,
    sandbox: &Sandbox,
    cancel: &CancellationToken,
) -> anyhow::Result<bool> {
    let Some([program, arguments @ ..]) = manifest.build.as_deref() else {
        return Ok(true);
    };
    // By this variable the watchdog finds the build even if the suite is killed before the group is registered.
    let temporary = sandbox.folder.subfolder("build")?;
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(&manifest.folder)
        .env("TMPDIR", temporary)
        .stdin(Stdio::null())
        .process_group(0)
        .spawn()
        .with_context(|| format!("cannot run the manifest's build command {program:?}"))?;
    let group = child
        .id()
        .expect("a child has its number until it is waited for");
    sandbox.watchdog.register_group(group);
    let ended = tokio::select! {
        ended = child.wait() => Some(ended),
        () = cancel.cancelled() => None,
    };
    if let Ok(group) = i32::try_from(group) {
        // ESRCH: nothing of it is left.
        let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
    }
    let Some(status) = ended else {
        child.wait().await?;
        sandbox.watchdog.unregister_group(group);
        return Ok(false);
    };
    sandbox.watchdog.unregister_group(group);
    let status = status?;
    ensure!(
        status.success(),
        "the manifest's build command {program:?} failed: {status}"
    );
    Ok(true)
}
