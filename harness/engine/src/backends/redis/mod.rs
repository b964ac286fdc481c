//! Redis: a separate empty server or logical database for each deployment.
//!
//! - `lease`: the traits of providers, and connections
//! - `pool`: servers that the suite starts, one for each lease, reused after they were emptied
//! - `process`: servers as processes of this machine
//! - `container`: servers in containers
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

use crate::backends::backend::{Backend, BackendHandle, Route, RunningBackend, choose_route};
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

    fn find_program(&self, host: &Host) -> Result<Program, BackendError> {
        process::find_program(host)
    }

    async fn examine(&self, url: &str) -> Result<BackendInfo, BackendError> {
        // The second argument is the run's name in leases; `examine` takes none.
        external::start(url, "doctor")
            .await
            .map(|started| started.info)
    }

    async fn start(
        &self,
        route: Route,
        sandbox: &Sandbox,
    ) -> Result<Arc<dyn RunningBackend>, BackendError> {
        Ok(Arc::new(Redis::start_via(route, sandbox).await?))
    }
}

#[async_trait]
impl RunningBackend for Redis {
    fn info(&self) -> &BackendInfo {
        &self.info
    }

    /// Fails unless a lease can be taken.
    async fn check_alive(&self) -> Result<(), BackendError> {
        self.pool.check_alive().await
    }

    /// Stops the servers that the suite started. All leases must have been dropped before.
    async fn stop(&self) {
        self.pool.stop().await;
    }
}

impl BackendHandle for Redis {
    const NAME: &'static str = REDIS.name;
}

/// The Redis backend of a run. Clones share the same servers.
#[derive(Clone)]
pub struct Redis {
    info: BackendInfo,
    pool: Arc<dyn LeasePool>,
}

impl Redis {
    /// Starts the first server, or connects to the external one, and waits until it answers.
    pub async fn start(choice: Choice, sandbox: &Sandbox) -> Result<Self, BackendError> {
        let route = choose_route(&RedisBackend, choice, &sandbox.host).await?;
        Self::start_via(route, sandbox).await
    }

    async fn start_via(route: Route, sandbox: &Sandbox) -> Result<Self, BackendError> {
        let workspace = || Workspace::create(&REDIS, sandbox);
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

    /// Leases an empty Redis for one deployment; waits if all are in use.
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

/// An empty Redis for one deployment, returned to the pool on drop. Scenarios may kill, freeze or fill it:
/// it is reused only if it can be emptied.
pub struct RedisLease {
    /// `None` only while the lease is being dropped.
    handle: Option<Box<dyn LeaseHandle>>,
}

impl RedisLease {
    /// The server's address; links forward to it.
    pub fn address(&self) -> SocketAddr {
        self.endpoint().address
    }

    /// The `REDIS_URL` for a subject that connects through the link at `via`.
    pub fn url(&self, via: SocketAddr) -> String {
        self.endpoint().url(via)
    }

    /// The password, which must not appear in any output; `None` if an external server needs none.
    pub fn password(&self) -> Option<&str> {
        self.endpoint().password.as_deref()
    }

    /// The server's process id, if the server serves only this lease: scenarios may kill or freeze it.
    pub fn pid(&self) -> Option<u32> {
        self.handle().pid()
    }

    /// Connects directly, not through a link.
    pub async fn connect(&self) -> Result<MultiplexedConnection, BackendError> {
        match self.endpoint().connect().await {
            Ok(connection) => Ok(connection),
            Err(cause) => Err(self.diagnose(cause).await),
        }
    }

    /// Fails unless the server answers; after such an error the subject cannot be judged.
    pub async fn check_alive(&self) -> Result<(), BackendError> {
        match self.endpoint().ping().await {
            Ok(()) => Ok(()),
            Err(cause) => Err(self.diagnose(cause).await),
        }
    }

    /// The error to report for a failed request: the server's exit, if it has exited, else `cause`.
    async fn diagnose(&self, cause: String) -> BackendError {
        self.handle().exit_error().await.unwrap_or_else(|| {
            let advice = format!("check the server at {}", self.address());
            BackendError::broken(&REDIS, cause, advice)
        })
    }

    fn endpoint(&self) -> &Endpoint {
        self.handle().endpoint()
    }

    fn handle(&self) -> &dyn LeaseHandle {
        self.handle
            .as_deref()
            .expect("only `drop` takes the handle")
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
