//! What is known of a run before it ends, so that one that is killed leaves it.

use std::cell::RefCell;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use super::write_files;
use crate::features::cases::Case;
use crate::run::execute::Watcher;
use crate::run::model::RunReport;
use crate::run::outcome::ScenarioResult;

/// How often the files are written while scenarios run.
const INTERVAL: Duration = Duration::from_secs(5);

/// Passes everything on to another watcher, and writes the files of `--report` now and then.
pub struct Recorder<'a, W> {
    inner: &'a W,
    folder: Option<PathBuf>,
    /// Makes a report of the results so far.
    assemble: Box<dyn Fn(Vec<ScenarioResult>) -> RunReport + 'a>,
    state: RefCell<State>,
}

struct State {
    results: Vec<ScenarioResult>,
    begun: Instant,
    writing: Option<JoinHandle<()>>,
}

impl<'a, W: Watcher> Recorder<'a, W> {
    /// Writes the report of a run without a result at once. Must be made within a runtime.
    pub fn begin(
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
                begun: Instant::now(),
                writing: None,
            }),
        };
        recorder.write(&mut recorder.state.borrow_mut());
        recorder
    }

    /// Waits until nothing is written any more; what is written later is the whole report.
    pub async fn end(self) {
        if let Some(writing) = self.state.into_inner().writing {
            let _ = writing.await;
        }
    }

    /// On another thread: a slow disk delays no scenario.
    fn write(&self, state: &mut State) {
        let Some(folder) = self.folder.clone() else {
            return;
        };
        if state.writing.as_ref().is_some_and(|it| !it.is_finished()) {
            return;
        }
        let run = (self.assemble)(state.results.clone());
        state.begun = Instant::now();
        state.writing = Some(tokio::task::spawn_blocking(move || {
            // A disk that is full now may have room at the end; if not, the summary says so.
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
        if state.begun.elapsed() >= INTERVAL {
            self.write(&mut state);
        }
    }
}
