//! Writes intermediate reports while a run is executed, so that a killed run leaves its last one.

use std::cell::RefCell;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use super::write_files;
use crate::features::cases::Case;
use crate::run::execute::Watcher;
use crate::run::model::RunReport;
use crate::run::outcome::ScenarioResult;

/// Minimum time between two intermediate reports.
const MIN_INTERVAL: Duration = Duration::from_secs(5);

/// A watcher that writes intermediate reports to the folder of `--report`, and forwards events to another watcher.
pub struct Recorder<'a, W> {
    inner: &'a W,
    folder: Option<PathBuf>,
    /// Assembles a report from the results so far.
    assemble: Box<dyn Fn(Vec<ScenarioResult>) -> RunReport + 'a>,
    state: RefCell<State>,
}

struct State {
    results: Vec<ScenarioResult>,
    /// When the last report was started to be written.
    last_write: Instant,
    /// The task that writes the last report.
    writing: Option<JoinHandle<()>>,
}

impl<'a, W: Watcher> Recorder<'a, W> {
    /// Creates a recorder and immediately starts to write a report without results. Must be called within a Tokio
    /// runtime.
    pub fn start(
        inner: &'a W,
        folder: Option<PathBuf>,
        assemble: impl Fn(Vec<ScenarioResult>) -> RunReport + 'a,
    ) -> Self {
        let recorder = Self {
            inner,
            folder,
            assemble: Box::new(assemble),
            state: RefCell::new(State {
                results: Vec::new(),
                last_write: Instant::now(),
                writing: None,
            }),
        };
        recorder.write(&mut recorder.state.borrow_mut());
        recorder
    }

    /// Waits until the last intermediate report is written; the complete report must be written afterwards.
    pub async fn finish(self) {
        if let Some(writing) = self.state.into_inner().writing {
            let _ = writing.await;
        }
    }

    /// Writes a report on another thread, so that a slow disk does not delay scenarios. Does nothing if the previous
    /// report is still being written.
    fn write(&self, state: &mut State) {
        let Some(folder) = self.folder.clone() else {
            return;
        };
        if state
            .writing
            .as_ref()
            .is_some_and(|task| !task.is_finished())
        {
            return;
        }
        let run = (self.assemble)(state.results.clone());
        state.last_write = Instant::now();
        state.writing = Some(tokio::task::spawn_blocking(move || {
            // An error is ignored; if it persists, writing the complete report fails as well.
            let _ = write_files(&run, &folder);
        }));
    }
}

impl<W: Watcher> Watcher for Recorder<'_, W> {
    fn started(&self, case: &Case) {
        self.inner.started(case);
    }

    fn finished(&self, result: &ScenarioResult) {
        self.inner.finished(result);
        if self.folder.is_none() {
            return;
        }
        let mut state = self.state.borrow_mut();
        state.results.push(result.clone());
        if state.last_write.elapsed() >= MIN_INTERVAL {
            self.write(&mut state);
        }
    }
}
