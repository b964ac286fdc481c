//! The backends of one run, each started when first needed.

use std::collections::BTreeMap;
use std::sync::Arc;

use conformance_engine::backends::postgres::Postgres;
use conformance_engine::backends::provider::{BackendInfo, Choice};
use conformance_engine::backends::redis::Redis;
use conformance_engine::failure::StepResult;
use conformance_engine::sandbox::Sandbox;
use tokio::sync::OnceCell;

use crate::contract::components::{Component, ResourceKind};
use crate::drivers::backend_failure;

/// The backends of one run, whatever subjects it judges.
pub struct Backends {
    /// Folder, ports and watchdog of the run.
    pub home: Sandbox,
    choice: Choice,
    postgres: OnceCell<StepResult<Arc<Postgres>>>,
    redis: OnceCell<StepResult<Arc<Redis>>>,
}

impl Backends {
    /// Nothing is started yet.
    pub fn new(home: Sandbox, choice: Choice) -> Self {
        Self {
            home,
            choice,
            postgres: OnceCell::new(),
            redis: OnceCell::new(),
        }
    }

    /// The PostgreSQL server.
    pub async fn postgres(&self) -> StepResult<Arc<Postgres>> {
        let start = async || {
            let started = Postgres::start(self.choice, &self.home).await;
            started.map(Arc::new).map_err(backend_failure)
        };
        self.postgres.get_or_init(start).await.clone()
    }

    /// The Redis servers.
    pub async fn redis(&self) -> StepResult<Arc<Redis>> {
        let start = async || {
            let started = Redis::start(self.choice, &self.home).await;
            started.map(Arc::new).map_err(backend_failure)
        };
        self.redis.get_or_init(start).await.clone()
    }

    /// Starts side by side what these components depend on, ahead of the first scenario that needs it.
    pub async fn warm_up(&self, components: &[&'static Component]) {
        let used = |kind| components.iter().any(|it| it.uses(kind));
        let postgres = async {
            if used(ResourceKind::Postgres) {
                // A failure is kept, and reported by each scenario that needs the backend.
                let _ = self.postgres().await;
            }
        };
        let redis = async {
            if used(ResourceKind::Redis) {
                let _ = self.redis().await;
            }
        };
        futures::join!(postgres, redis);
    }

    /// Name and version of each started backend, for the report.
    pub fn infos(&self) -> BTreeMap<String, BackendInfo> {
        let postgres = started(&self.postgres).map(|it| ("postgres", it.info().clone()));
        let redis = started(&self.redis).map(|it| ("redis", it.info().clone()));
        postgres
            .into_iter()
            .chain(redis)
            .map(|(name, info)| (name.to_owned(), info))
            .collect()
    }

    /// Why the suite can no longer judge: a backend that died.
    pub async fn broken(&self) -> Option<String> {
        if let Some(postgres) = started(&self.postgres)
            && let Err(error) = postgres.alive().await
        {
            return Some(error.to_string());
        }
        if let Some(redis) = started(&self.redis)
            && let Err(error) = redis.alive().await
        {
            return Some(error.to_string());
        }
        None
    }

    /// Stops what was started and waits until nothing of the run is left.
    pub async fn end(&self) {
        if let Some(redis) = started(&self.redis) {
            redis.stop().await;
        }
        if let Some(postgres) = started(&self.postgres) {
            postgres.stop().await;
        }
        self.home.finish().await;
    }
}

fn started<T>(cell: &OnceCell<StepResult<Arc<T>>>) -> Option<&Arc<T>> {
    cell.get()?.as_ref().ok()
}
