//! Redis servers that the suite starts, one for each lease, reused after they were emptied.
//!
//! A returned server is emptied and reused if it answers and its settings and users are unchanged since
//! its start. Otherwise it is stopped.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use redis::RedisResult;
use redis::aio::MultiplexedConnection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;

use super::lease::{Endpoint, LeaseHandle, LeasePool, REDIS, StartedBackend};
use crate::backends::provider::{BackendError, BackendInfo, ProviderKind, error_chain};
use crate::backends::server::ManagedServer;

/// How long emptying a server may take. A slower one is frozen or overloaded, and a new server starts faster.
const CLEAR_LIMIT: Duration = Duration::from_secs(1);

/// Starts servers for the pool.
#[async_trait]
pub(super) trait Launcher: Send + Sync + 'static {
    /// The kind of provider, for reports.
    fn kind(&self) -> ProviderKind;

    /// Maximum number of concurrent leases; a further lease waits.
    fn max_leases(&self) -> usize;

    /// Starts a server and waits until it answers. The number is unique within the run.
    async fn launch(&self, number: u64) -> Result<RunningServer, BackendError>;
}

/// A running server, with its settings at the start.
pub(super) struct RunningServer {
    pub(super) server: Box<dyn ManagedServer>,
    pub(super) endpoint: Endpoint,
    pub(super) settings: Fingerprint,
}

/// Settings and users of a server, to detect changes by a scenario.
pub(super) type Fingerprint = (BTreeMap<String, String>, Vec<String>);

/// Starts the pool and its first server.
pub(super) async fn start(launcher: impl Launcher) -> Result<StartedBackend, BackendError> {
    let pool = Arc::new(ServerPool {
        permits: Arc::new(Semaphore::new(
            launcher.max_leases().min(Semaphore::MAX_PERMITS),
        )),
        idle: Mutex::new(Some(Vec::new())),
        launched: AtomicU64::new(0),
        returning: TaskTracker::new(),
        launcher: Box::new(launcher),
    });
    let first = pool.launch().await?;
    let version = first.endpoint.version().await;
    let version = version.map_err(|cause| first.server.broken(cause))?;
    // The pool accepts it: it cannot have been stopped yet.
    pool.return_idle(first);
    Ok(StartedBackend {
        info: BackendInfo {
            provider: pool.launcher.kind(),
            version,
        },
        pool: Arc::new(pool),
    })
}

struct ServerPool {
    launcher: Box<dyn Launcher>,
    /// One permit for each possible lease.
    permits: Arc<Semaphore>,
    /// Empty idle servers; `None` once the pool was stopped.
    idle: Mutex<Option<Vec<RunningServer>>>,
    /// Number of servers started so far.
    launched: AtomicU64,
    /// Tasks that empty returned servers.
    returning: TaskTracker,
}

#[async_trait]
impl LeasePool for Arc<ServerPool> {
    async fn take(&self) -> Result<Box<dyn LeaseHandle>, BackendError> {
        let stopped = || {
            let advice = "this is a bug of the suite";
            BackendError::broken(&REDIS, "the run's Redis has been stopped already", advice)
        };
        let permit = self.permits.clone().acquire_owned().await;
        let permit = permit.map_err(|_| stopped())?;
        let pop_idle = |pool: &ServerPool| pool.lock().as_mut().map(Vec::pop).ok_or_else(stopped);
        let running = loop {
            match pop_idle(self)? {
                // Skips servers that were killed while idle.
                Some(running) if running.server.exit_error().await.is_some() => {}
                Some(running) => break running,
                None => break self.launch().await?,
            }
        };
        Ok(Box::new(Lease {
            running,
            pool: self.clone(),
            permit,
        }))
    }

    async fn check_alive(&self) -> Result<(), BackendError> {
        // Takes a lease on trial. Without a free permit it does nothing: the caller may itself hold the last
        // lease, and waiting for it would deadlock. Leases check their own servers.
        if self.permits.available_permits() > 0 {
            drop(self.take().await?);
        }
        Ok(())
    }

    async fn stop(&self) {
        let idle = self.lock().take();
        self.returning.close();
        self.returning.wait().await;
        let stops = idle.iter().flatten().map(|running| running.server.stop());
        futures::future::join_all(stops).await;
    }
}

impl ServerPool {
    fn lock(&self) -> MutexGuard<'_, Option<Vec<RunningServer>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn launch(&self) -> Result<RunningServer, BackendError> {
        let number = self.launched.fetch_add(1, Ordering::Relaxed) + 1;
        self.launcher.launch(number).await
    }

    /// Keeps an empty server for the next lease. If the pool was stopped, returns the server for the caller to stop.
    fn return_idle(&self, running: RunningServer) -> Option<RunningServer> {
        match self.lock().as_mut() {
            Some(idle) => {
                idle.push(running);
                None
            }
            None => Some(running),
        }
    }
}

struct Lease {
    running: RunningServer,
    pool: Arc<ServerPool>,
    permit: OwnedSemaphorePermit,
}

#[async_trait]
impl LeaseHandle for Lease {
    fn endpoint(&self) -> &Endpoint {
        &self.running.endpoint
    }

    fn pid(&self) -> Option<u32> {
        self.running.server.pid()
    }

    async fn exit_error(&self) -> Option<BackendError> {
        self.running.server.exit_error_after_failure().await
    }

    fn release(self: Box<Self>) {
        let Self {
            running,
            pool,
            permit,
        } = *self;
        // Without a runtime the run is over, and dropping the server kills it.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let tracker = pool.returning.clone();
            tracker.spawn_on(
                async move {
                    let cleared = tokio::time::timeout(CLEAR_LIMIT, clear(&running)).await;
                    let rejected = match cleared {
                        Ok(Ok(true)) => pool.return_idle(running),
                        _ => Some(running),
                    };
                    if let Some(running) = rejected {
                        running.server.stop().await;
                    }
                    drop(permit);
                },
                &runtime,
            );
        }
    }
}

/// Removes data, functions, scripts and connections; returns whether settings and users are unchanged since the start.
async fn clear(running: &RunningServer) -> RedisResult<bool> {
    let url = running.endpoint.url(running.endpoint.address);
    let client = redis::Client::open(url)?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    // It fails on Redis 6, which has no functions.
    let functions: RedisResult<()> = redis::cmd("FUNCTION")
        .arg("FLUSH")
        .query_async(&mut connection)
        .await;
    drop(functions);
    for kind in ["normal", "pubsub"] {
        let mut kill = redis::cmd("CLIENT");
        kill.arg("KILL")
            .arg("TYPE")
            .arg(kind)
            .exec_async(&mut connection)
            .await?;
    }
    redis::cmd("CLIENT")
        .arg("UNPAUSE")
        .exec_async(&mut connection)
        .await
        .or_else(ignore_unknown_command)?;
    redis::cmd("SCRIPT")
        .arg("FLUSH")
        .exec_async(&mut connection)
        .await?;
    redis::cmd("FLUSHALL").exec_async(&mut connection).await?;
    Ok(fingerprint(&mut connection).await? == running.settings)
}

/// Ignores the error of an older server that lacks the command, and so has no state that it would reset.
fn ignore_unknown_command(error: redis::RedisError) -> RedisResult<()> {
    if error.code() == Some("ERR") {
        Ok(())
    } else {
        Err(error)
    }
}

/// Connects to a server and reads its settings and users; fails unless it answers.
pub(super) async fn probe(endpoint: Endpoint) -> Result<Fingerprint, String> {
    let mut connection = endpoint.connect().await?;
    fingerprint(&mut connection)
        .await
        .map_err(|error| error_chain(&error))
}

async fn fingerprint(connection: &mut MultiplexedConnection) -> RedisResult<Fingerprint> {
    let settings = redis::cmd("CONFIG")
        .arg("GET")
        .arg("*")
        .query_async(connection)
        .await?;
    let users = redis::cmd("ACL")
        .arg("LIST")
        .query_async(connection)
        .await?;
    Ok((settings, users))
}
