//! Redis servers of the suite's own, one for each lease, used again when emptied.
//!
//! A server that comes back is emptied and waits for the next lease, if it is as it was started:
//! it answers, and its settings and users are unchanged. Else another takes its place.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use redis::RedisResult;
use redis::aio::MultiplexedConnection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;

use super::lease::{Endpoint, LeaseHandle, LeasePool, REDIS, Started};
use crate::backends::provider::{BackendError, BackendInfo, ProviderKind, chain};
use crate::backends::server::OwnServer;

/// A server that takes longer to be emptied is frozen, or busy with what a scenario left: another is as quick.
const EMPTY_LIMIT: Duration = Duration::from_secs(1);

/// Where further servers come from.
#[async_trait]
pub(super) trait Launcher: Send + Sync + 'static {
    /// The word for it in reports.
    fn kind(&self) -> ProviderKind;

    /// The limit of servers at once; a further lease waits.
    fn most(&self) -> usize;

    /// Starts a server that answers. No other has this number.
    async fn launch(&self, number: u64) -> Result<Running, BackendError>;
}

/// A server, and how it was when it was started.
pub(super) struct Running {
    pub(super) server: Box<dyn OwnServer>,
    pub(super) endpoint: Endpoint,
    pub(super) settings: Fingerprint,
}

/// Settings and users of a server.
pub(super) type Fingerprint = (BTreeMap<String, String>, Vec<String>);

/// Starts the first server, which waits for the first lease.
pub(super) async fn start(launcher: impl Launcher) -> Result<Started, BackendError> {
    let pool = Arc::new(ServerPool {
        room: Arc::new(Semaphore::new(launcher.most().min(Semaphore::MAX_PERMITS))),
        spare: Mutex::new(Some(Vec::new())),
        made: AtomicU64::new(0),
        returning: TaskTracker::new(),
        launcher: Box::new(launcher),
    });
    let first = pool.launch().await?;
    let version = first.endpoint.version().await;
    let version = version.map_err(|cause| first.server.broken(cause))?;
    // It cannot have been stopped yet.
    pool.keep(first);
    Ok(Started {
        info: BackendInfo {
            provider: pool.launcher.kind(),
            version,
        },
        pool: Arc::new(pool),
    })
}

struct ServerPool {
    launcher: Box<dyn Launcher>,
    /// For servers that are leased.
    room: Arc<Semaphore>,
    /// Empty idle servers; `None` once the pool was stopped.
    spare: Mutex<Option<Vec<Running>>>,
    made: AtomicU64,
    /// Servers that are being emptied.
    returning: TaskTracker,
}

#[async_trait]
impl LeasePool for Arc<ServerPool> {
    async fn take(&self) -> Result<Box<dyn LeaseHandle>, BackendError> {
        let stopped = || {
            let advice = "this is a fault of the suite";
            BackendError::broken(&REDIS, "the run's Redis was stopped before", advice)
        };
        let room = self.room.clone().acquire_owned().await;
        let room = room.map_err(|_| stopped())?;
        let spare = |pool: &ServerPool| pool.lock().as_mut().map(Vec::pop).ok_or_else(stopped);
        let running = loop {
            match spare(self)? {
                // It may have been killed while it was idle.
                Some(running) if running.server.end().await.is_some() => {}
                Some(running) => break running,
                None => break self.launch().await?,
            }
        };
        Ok(Box::new(Lease {
            running,
            pool: self.clone(),
            room,
        }))
    }

    async fn alive(&self) -> Result<(), BackendError> {
        // The state of a lease's server is checked by the lease; here it is enough that a server can start. Without
        // a free slot the check is skipped, since the caller may hold the last slot itself.
        if self.room.available_permits() > 0 {
            drop(self.take().await?);
        }
        Ok(())
    }

    async fn stop(&self) {
        let spare = self.lock().take();
        self.returning.close();
        self.returning.wait().await;
        let ends = spare.iter().flatten().map(|it| it.server.stop());
        futures::future::join_all(ends).await;
    }
}

impl ServerPool {
    fn lock(&self) -> MutexGuard<'_, Option<Vec<Running>>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn launch(&self) -> Result<Running, BackendError> {
        let number = self.made.fetch_add(1, Ordering::Relaxed) + 1;
        self.launcher.launch(number).await
    }

    /// An empty server for the next lease; once the pool was stopped it comes back, to be ended.
    fn keep(&self, running: Running) -> Option<Running> {
        match self.lock().as_mut() {
            Some(spare) => {
                spare.push(running);
                None
            }
            None => Some(running),
        }
    }
}

struct Lease {
    running: Running,
    pool: Arc<ServerPool>,
    room: OwnedSemaphorePermit,
}

#[async_trait]
impl LeaseHandle for Lease {
    fn endpoint(&self) -> &Endpoint {
        &self.running.endpoint
    }

    fn pid(&self) -> Option<u32> {
        self.running.server.pid()
    }

    async fn end(&self) -> Option<BackendError> {
        self.running.server.end_soon().await
    }

    fn release(self: Box<Self>) {
        let Self {
            running,
            pool,
            room,
        } = *self;
        // Without a runtime the run is over, and the server ends here.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let tracker = pool.returning.clone();
            tracker.spawn_on(
                async move {
                    let emptied = tokio::time::timeout(EMPTY_LIMIT, empty(&running)).await;
                    let surplus = match emptied {
                        Ok(Ok(true)) => pool.keep(running),
                        _ => Some(running),
                    };
                    if let Some(running) = surplus {
                        running.server.stop().await;
                    }
                    drop(room);
                },
                &runtime,
            );
        }
    }
}

/// Removes what a scenario left; true if the server is then as it was started.
async fn empty(running: &Running) -> RedisResult<bool> {
    let url = running.endpoint.url(running.endpoint.address);
    let client = redis::Client::open(url)?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    // Unknown to Redis 6: only then there are no functions.
    let functions: RedisResult<()> = redis::cmd("FUNCTION")
        .arg("FLUSH")
        .query_async(&mut connection)
        .await;
    drop(functions);
    for kind in ["normal", "pubsub"] {
        let mut end = redis::cmd("CLIENT");
        end.arg("KILL")
            .arg("TYPE")
            .arg(kind)
            .exec_async(&mut connection)
            .await?;
    }
    redis::cmd("CLIENT")
        .arg("UNPAUSE")
        .exec_async(&mut connection)
        .await
        .or_else(unknown)?;
    redis::cmd("SCRIPT")
        .arg("FLUSH")
        .exec_async(&mut connection)
        .await?;
    redis::cmd("FLUSHALL").exec_async(&mut connection).await?;
    Ok(fingerprint(&mut connection).await? == running.settings)
}

/// An older server has no such command, and has nothing that it would undo.
fn unknown(error: redis::RedisError) -> RedisResult<()> {
    if error.code() == Some("ERR") {
        Ok(())
    } else {
        Err(error)
    }
}

/// Whether a server answers, and how it is set.
pub(super) async fn first_look(endpoint: Endpoint) -> Result<Fingerprint, String> {
    let mut connection = endpoint.connect().await?;
    fingerprint(&mut connection)
        .await
        .map_err(|error| chain(&error))
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
