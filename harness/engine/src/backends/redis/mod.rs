//! Redis: an empty one for each deployment, for its use alone.
//!
//! - `pool`: servers of the suite's own, one for each lease, used again when emptied
//! - `process`: those from the program of this machine; `container`: those in containers
//! - `external`: logical databases of the server that `CONFORMANCE_REDIS_URL` names

mod container;
pub(super) mod external;
mod pool;
pub(super) mod process;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, InfoDict};

use crate::backends::provider::{Backend, BackendError, BackendInfo, Choice, Route, chain, route};
use crate::backends::server::Workspace;
use crate::sandbox::Sandbox;

/// How long a server may take to accept a connection or to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// What a provider hands over: the first server answers.
pub(super) struct Started {
    pub(super) info: BackendInfo,
    pub(super) pool: Arc<dyn LeasePool>,
}

/// Where leases come from.
#[async_trait]
pub(super) trait LeasePool: Send + Sync {
    /// An empty Redis for the caller alone, as soon as there is one.
    async fn take(&self) -> Result<Box<dyn LeaseHandle>, BackendError>;

    /// An error unless leases can be had.
    async fn alive(&self) -> Result<(), BackendError>;

    /// Ends what the provider started, and waits for what was given back.
    async fn stop(&self);
}

/// What a provider has behind one lease.
#[async_trait]
pub(super) trait LeaseHandle: Send + Sync {
    /// How it is reached.
    fn endpoint(&self) -> &Endpoint;

    /// The server's process, if it serves this lease alone.
    fn pid(&self) -> Option<u32>;

    /// The server's end, if that lies behind its not answering.
    async fn end(&self) -> Option<BackendError>;

    /// The lease is over.
    fn release(self: Box<Self>);
}

/// How one empty Redis is reached.
#[derive(Clone)]
pub(super) struct Endpoint {
    pub(super) address: SocketAddr,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    /// The number of the logical database.
    pub(super) database: u32,
}

impl Endpoint {
    /// Its `REDIS_URL`, by way of an address.
    pub(super) fn url(&self, via: SocketAddr) -> String {
        let escaped = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let login = match (self.user.as_deref(), self.password.as_deref()) {
            (None, None) => String::new(),
            (user, None) => format!("{}@", escaped(user.unwrap_or_default())),
            (user, Some(password)) => {
                format!(
                    "{}:{}@",
                    escaped(user.unwrap_or_default()),
                    escaped(password)
                )
            }
        };
        format!("redis://{login}{via}/{}", self.database)
    }

    /// A connection past every link; the error says all that is known.
    pub(super) async fn connect(&self) -> Result<MultiplexedConnection, String> {
        let client = Client::open(self.url(self.address)).map_err(|error| chain(&error))?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(ANSWER_LIMIT))
            .set_response_timeout(Some(ANSWER_LIMIT));
        let connected = client
            .get_multiplexed_async_connection_with_config(&config)
            .await;
        connected.map_err(|error| chain(&error))
    }

    /// The server's own word for its version: `7.0.15`.
    pub(super) async fn version(&self) -> Result<String, String> {
        let mut connection = self.connect().await?;
        let asked = redis::cmd("INFO")
            .arg("server")
            .query_async(&mut connection)
            .await;
        let info: InfoDict = asked.map_err(|error| chain(&error))?;
        // Valkey keeps the version of the Redis that it stands in for in `redis_version`.
        let version = info
            .get("valkey_version")
            .or_else(|| info.get("redis_version"));
        version.ok_or_else(|| "INFO has no version".to_owned())
    }

    /// Asks for a sign of life.
    pub(super) async fn ping(&self) -> Result<(), String> {
        let mut connection = self.connect().await?;
        let answer = redis::cmd("PING").query_async(&mut connection).await;
        let answer: String = answer.map_err(|error| chain(&error))?;
        if answer == "PONG" {
            Ok(())
        } else {
            Err(format!(
                "PING answers `{}`",
                crate::backends::server::printable(&answer)
            ))
        }
    }
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
        let find = process::find;
        let place = || Workspace::of(Backend::Redis, sandbox);
        let started = match route(Backend::Redis, choice, &sandbox.host, find).await? {
            Route::External(url) => external::start(&url, sandbox.folder.id()).await?,
            Route::Process(program) => process::start(program, place()?).await?,
            Route::Container(image) => container::start(image, place()?).await?,
        };
        Ok(Self {
            info: started.info,
            pool: started.pool,
        })
    }

    /// Which server it is.
    pub fn info(&self) -> &BackendInfo {
        &self.info
    }

    /// An empty Redis for one deployment; waits until there is one.
    pub async fn lease(&self) -> Result<RedisLease, BackendError> {
        let handle = self.pool.take().await?;
        Ok(RedisLease {
            handle: Some(handle),
        })
    }

    /// An error unless a lease could be had: then Redis, not the subject, is to blame.
    pub async fn alive(&self) -> Result<(), BackendError> {
        self.pool.alive().await
    }

    /// Ends the servers that are the suite's own; leases are to be given back before.
    pub async fn stop(&self) {
        self.pool.stop().await;
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
            BackendError::broken(Backend::Redis, cause, advice)
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

#[cfg(test)]
mod tests {
    use redis::IntoConnectionInfo;

    use super::*;

    #[test]
    fn a_url_names_user_password_and_database() {
        let endpoint = Endpoint {
            address: ([127, 0, 0, 1], 6379).into(),
            user: None,
            password: Some("p%4@:/é".to_owned()),
            database: 3,
        };
        let url = endpoint.url(([127, 0, 0, 1], 7000).into());
        assert!(
            url.starts_with("redis://:p") && url.ends_with("@127.0.0.1:7000/3"),
            "{url}"
        );
        let read = url.into_connection_info().unwrap();
        assert_eq!(read.redis_settings().password(), Some("p%4@:/é"));
        assert_eq!(read.redis_settings().db(), 3);
    }

    #[test]
    fn a_url_without_a_login_is_plain() {
        let endpoint = Endpoint {
            address: ([127, 0, 0, 1], 6379).into(),
            user: None,
            password: None,
            database: 0,
        };
        assert_eq!(endpoint.url(endpoint.address), "redis://127.0.0.1:6379/0");
    }
}
