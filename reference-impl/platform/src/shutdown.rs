//! The signals that stop a program, and the tokens that they cancel.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The tree of tokens by which a program stops in two steps (CFG-8).
#[derive(Clone)]
pub struct Shutdown {
    /// Everything ends. The root: what still runs is ended with it.
    pub ended: CancellationToken,
    /// No new work is taken, what is in flight goes on; its child.
    pub stopping: CancellationToken,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::new()
    }
}

impl Shutdown {
    /// A program that runs.
    pub fn new() -> Self {
        let ended = CancellationToken::new();
        let stopping = ended.child_token();
        Self { ended, stopping }
    }
}

/// Waits for the signals that stop a program. They are caught from this call on, before the first await.
pub fn signals() -> io::Result<impl Future<Output = &'static str>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        }
    })
}
