//! The backends of one run, each started when first needed.

use std::any::Any;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use futures::future::join_all;
use tokio::sync::OnceCell;

use super::backend::{Backend, BackendHandle, RunningBackend, route};
use super::provider::{BackendError, BackendInfo, Choice};
use super::registry::BACKENDS;
use crate::sandbox::Sandbox;
use crate::sandbox::resources::{self, MEMORY};

/// The backends of one run, whatever subjects it judges.
pub struct Backends {
    /// Folder, ports and watchdog of the run.
    pub sandbox: Sandbox,
    choice: Choice,
    entries: Vec<Entry>,
}

/// One backend of the registry. An error of its start is kept, and returned to every scenario that
/// needs it.
struct Entry {
    backend: &'static dyn Backend,
    started: OnceCell<Result<Arc<dyn RunningBackend>, BackendError>>,
}

impl Backends {
    /// Those of the registry; none is started yet.
    pub fn new(sandbox: Sandbox, choice: Choice) -> Self {
        let entry = |backend: &&'static dyn Backend| Entry {
            backend: *backend,
            started: OnceCell::new(),
        };
        Self {
            sandbox,
            choice,
            entries: BACKENDS.iter().map(entry).collect(),
        }
    }

    /// The backend in its typed form, started at the first call.
    pub async fn handle<H: BackendHandle>(&self) -> Result<Arc<H>, BackendError> {
        let entry = self.entry(H::NAME);
        let entry = entry.expect("every handle's name is in the registry, as a test shows");
        let running: Arc<dyn Any + Send + Sync> = self.start(entry).await?;
        let handle = running.downcast::<H>();
        Ok(handle.expect("a backend starts the handle that has its name, as a test shows"))
    }

    /// Starts backends side by side, ahead of the first scenario that needs them.
    pub async fn warm_up(&self, names: &[&str]) {
        let entries = names.iter().filter_map(|name| self.entry(name));
        // An error is kept in the entry.
        join_all(entries.map(|entry| self.start(entry))).await;
    }

    /// What each backend is, for the report; only those that were started.
    pub fn infos(&self) -> BTreeMap<String, BackendInfo> {
        let info = |(name, running): (&str, &Arc<dyn RunningBackend>)| {
            (name.to_owned(), running.info().clone())
        };
        self.started().map(info).collect()
    }

    /// Why the suite cannot judge any more: a backend that died, or a machine without room for more.
    pub async fn broken(&self) -> Option<String> {
        let run = self.sandbox.folder.path();
        let in_memory = Path::new(MEMORY).join(run.file_name().unwrap_or_default());
        if let Some(lack) = resources::lack(&[run, &in_memory]) {
            return Some(format!(
                "this machine has too little left for the suite and its backends ({lack}): make room, raise \
                 its limits (`ulimit -a`), or run fewer scenarios at once with --jobs"
            ));
        }
        for (_, running) in self.started() {
            if let Err(error) = running.alive().await {
                return Some(error.to_string());
            }
        }
        None
    }

    /// Stops what was started and waits until nothing of the run is left.
    pub async fn end(&self) {
        let started: Vec<_> = self.started().collect();
        for (_, running) in started.into_iter().rev() {
            running.stop().await;
        }
        self.sandbox.finish().await;
    }

    fn entry(&self, name: &str) -> Option<&Entry> {
        let mut entries = self.entries.iter();
        entries.find(|it| it.backend.description().name == name)
    }

    async fn start(&self, entry: &Entry) -> Result<Arc<dyn RunningBackend>, BackendError> {
        let start = async || {
            let route = route(entry.backend, self.choice, &self.sandbox.host).await?;
            entry.backend.start(route, &self.sandbox).await
        };
        entry.started.get_or_init(start).await.clone()
    }

    fn started(&self) -> impl Iterator<Item = (&'static str, &Arc<dyn RunningBackend>)> {
        self.entries.iter().filter_map(|entry| {
            let running = entry.started.get()?.as_ref().ok()?;
            Some((entry.backend.description().name, running))
        })
    }
}
