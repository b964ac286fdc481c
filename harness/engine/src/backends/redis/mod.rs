//! Redis: an empty one for each deployment, for its use alone.
//!
//! - `lease`: what every provider hands over
//! - `pool`: servers of the suite's own, one for each lease, used again when emptied
//! - `process`: those from the program of this machine
//! - `container`: those in containers
//! - `external`: logical databases of the server that `CONFORMANCE_REDIS_URL` names

mod container;
mod external;
mod lease;
mod pool;
mod process;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use redis::aio::MultiplexedConnection;

use lease::{Endpoint, LeaseHandle, LeasePool, REDIS};

use crate::backends::backend::{Backend, BackendHandle, Route, RunningBackend, route};
use crate::backends::programs::Program;
use crate::backends::provider::{BackendError, BackendInfo, Choice, Description};
use crate::backends::server::Workspace;
use crate::sandbox::Sandbox;
use crate::sandbox::host::Host;

/// Redis in the registry.
pub(super) struct RedisBackend;

#[async_trait]
impl Backend for RedisBackend {
    fn description(&self) -> &'static Description {
        &REDIS
    }

    fn find(&self, host: &Host) -> Result<Program, BackendError> {
        process::find(host)
    }

    async fn examine(&self, url: &str) -> Result<BackendInfo, BackendError> {
        // The run's name would show in a lease, and none is taken.
        external::start(url, "doctor")
            .await
            .map(|started| started.info)
    }

    async fn start(
        &self,
        route: Route,
        sandbox: &Sandbox,
    ) -> Result<Arc<dyn RunningBackend>, BackendError> {
        Ok(Arc::new(Redis::start_by(route, sandbox).await?))
    }
}

#[async_trait]
impl RunningBackend for Redis {
    fn info(&self) -> &BackendInfo {
        &self.info
    }

    /// An error unless a lease could be had.
    async fn alive(&self) -> Result<(), BackendError> {
        self.pool.alive().await
    }

    /// Ends the servers that are the suite's own; leases are to be given back before.
    async fn stop(&self) {
        self.pool.stop().await;
    }
}

impl BackendHandle for Redis {
    const NAME: &'static str = REDIS.name;
}

/// The Redis of a run. Clones are the same one.
#[derive(Clone)]
pub struct Redis {
    info: BackendInfo,
    pool: Arc<dyn LeasePool>,
}

impl Redis {
    /// Starts a first server, or reaches the one that runs already, and waits until it answers.
    pub async fn start(choice: Choice, sandbox: &Sandbox) -> Result<Self, BackendError> {
        let route = route(&RedisBackend, choice, &sandbox.host).await?;
        Self::start_by(route, sandbox).await
    }

    async fn start_by(route: Route, sandbox: &Sandbox) -> Result<Self, BackendError> {
        let workspace = || Workspace::of(&REDIS, sandbox);
        let started = match route {
            Route::External(url) => external::start(&url, sandbox.folder.id()).await?,
            Route::Process(program) => process::start(program, workspace()?).await?,
            Route::Container(image) => container::start(image, workspace()?).await?,
        };
        Ok(Self {
            info: started.info,
            pool: started.pool,
        })
    }

    /// An empty Redis for one deployment; waits until there is one.
    pub async fn lease(&self) -> Result<RedisLease, BackendError> {
        let handle = self.pool.take().await?;
        Ok(RedisLease {
            handle: Some(handle),
        })
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis")
            .field("info", &self.info)
            .finish_non_exhaustive()
    }
}

/// One empty Redis, given back when dropped. Its server may be killed, frozen or written to
/// meanwhile: it is used again only if it can be emptied.
pub struct RedisLease {
    /// Present until the lease is dropped.
    handle: Option<Box<dyn LeaseHandle>>,
}

impl RedisLease {
    /// Where the server listens; links lead there.
    pub fn address(&self) -> SocketAddr {
        self.endpoint().address
    }

    /// Its `REDIS_URL` for a subject, by way of a link's address.
    pub fn url(&self, via: SocketAddr) -> String {
        self.endpoint().url(via)
    }

    /// The password in it, which must show up nowhere; a server outside may need none.
    pub fn password(&self) -> Option<&str> {
        self.endpoint().password.as_deref()
    }

    /// The server's process, if it serves this lease alone: it may be killed or frozen.
    pub fn pid(&self) -> Option<u32> {
        self.handle().pid()
    }

    /// A connection straight to it, past every link.
    pub async fn connect(&self) -> Result<MultiplexedConnection, BackendError> {
        match self.endpoint().connect().await {
            Ok(connection) => Ok(connection),
            Err(cause) => Err(self.trouble(cause).await),
        }
    }

    /// An error unless it answers: then it, not the subject, is to blame.
    pub async fn alive(&self) -> Result<(), BackendError> {
        match self.endpoint().ping().await {
            Ok(()) => Ok(()),
            Err(cause) => Err(self.trouble(cause).await),
        }
    }

    /// The server's end, if that is what lies behind `cause`.
    async fn trouble(&self, cause: String) -> BackendError {
        self.handle().end().await.unwrap_or_else(|| {
            let advice = format!("look at the server at {}", self.address());
            BackendError::broken(&REDIS, cause, advice)
        })
    }

    fn endpoint(&self) -> &Endpoint {
        self.handle().endpoint()
    }

    fn handle(&self) -> &dyn LeaseHandle {
        self.handle.as_deref().expect("only dropping takes it away")
    }
}

impl fmt::Debug for RedisLease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisLease")
            .field("address", &self.address())
            .field("database", &self.endpoint().database)
            .finish_non_exhaustive()
    }
}

impl Drop for RedisLease {
    fn drop(&mut self) {
        if let Some(handle) = self.handle.take() {
            handle.release();
        }
    }
}
