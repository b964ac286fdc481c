//! The backends of one run, each started on first use.

use std::any::Any;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use futures::future::join_all;
use tokio::sync::OnceCell;

use super::backend::{Backend, BackendHandle, RunningBackend, choose_route};
use super::provider::{BackendError, BackendInfo, Choice};
use super::registry::BACKENDS;
use crate::sandbox::Sandbox;
use crate::sandbox::exhaustion::{self, SHM_FOLDER};

/// The backends of one run, shared by all subjects and scenarios.
pub struct Backends {
    /// Folder, ports and watchdog of the run.
    pub sandbox: Sandbox,
    choice: Choice,
    entries: Vec<Entry>,
}

/// One backend of the registry. If its start fails, the error is kept and returned to every scenario
/// that needs the backend.
struct Entry {
    backend: &'static dyn Backend,
    start_result: OnceCell<Result<Arc<dyn RunningBackend>, BackendError>>,
}

impl Backends {
    /// All backends of the registry, none of them started yet.
    pub fn new(sandbox: Sandbox, choice: Choice) -> Self {
        let entry = |backend: &&'static dyn Backend| Entry {
            backend: *backend,
            start_result: OnceCell::new(),
        };
        Self {
            sandbox,
            choice,
            entries: BACKENDS.iter().map(entry).collect(),
        }
    }

    /// The backend of a concrete type, started at the first call.
    pub async fn handle<H: BackendHandle>(&self) -> Result<Arc<H>, BackendError> {
        let entry = self.entry(H::NAME);
        let entry = entry.expect("a test checks that every handle's name is in the registry");
        let running: Arc<dyn Any + Send + Sync> = self.start(entry).await?;
        let handle = running.downcast::<H>();
        Ok(handle.expect("a test checks that each backend starts the handle with its name"))
    }

    /// Starts backends concurrently, before the first scenario that needs them.
    pub async fn warm_up(&self, names: &[&str]) {
        let entries = names.iter().filter_map(|name| self.entry(name));
        // An error is kept in the entry.
        join_all(entries.map(|entry| self.start(entry))).await;
    }

    /// Provider and version of each started backend, by name, for the report.
    pub fn infos(&self) -> BTreeMap<String, BackendInfo> {
        let info = |(name, running): (&str, &Arc<dyn RunningBackend>)| {
            (name.to_owned(), running.info().clone())
        };
        self.started().map(info).collect()
    }

    /// Why the suite cannot judge scenarios any more, if so: the machine has no free space or descriptors left,
    /// or a started backend does not answer.
    pub async fn find_broken(&self) -> Option<String> {
        let run = self.sandbox.folder.path();
        let in_memory = Path::new(SHM_FOLDER).join(run.file_name().unwrap_or_default());
        if let Some(shortage) = exhaustion::detect(&[run, &in_memory]) {
            return Some(exhaustion::message(&shortage));
        }
        for (_, running) in self.started() {
            if let Err(error) = running.check_alive().await {
                return Some(error.to_string());
            }
        }
        None
    }

    /// Stops all started backends, then ends the sandbox: call it last in a run.
    pub async fn stop(&self) {
        let started: Vec<_> = self.started().collect();
        for (_, running) in started.into_iter().rev() {
            running.stop().await;
        }
        self.sandbox.finish().await;
    }

    fn entry(&self, name: &str) -> Option<&Entry> {
        let mut entries = self.entries.iter();
        entries.find(|entry| entry.backend.description().name == name)
    }

    async fn start(&self, entry: &Entry) -> Result<Arc<dyn RunningBackend>, BackendError> {
        let start = async || {
            let route = choose_route(entry.backend, self.choice, &self.sandbox.host).await?;
            entry.backend.start(route, &self.sandbox).await
        };
        entry.start_result.get_or_init(start).await.clone()
    }

    /// The backends that were started successfully, with their names.
    fn started(&self) -> impl Iterator<Item = (&'static str, &Arc<dyn RunningBackend>)> {
        self.entries.iter().filter_map(|entry| {
            let running = entry.start_result.get()?.as_ref().ok()?;
            Some((entry.backend.description().name, running))
        })
    }
}
