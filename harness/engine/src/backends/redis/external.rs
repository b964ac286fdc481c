//! A Redis server that already runs: `CONFORMANCE_REDIS_URL`.
//!
//! Each lease is a logical database, and several runs may share the server. The database that the URL
//! names (default 0) is the lease registry: key `conformance:lease:N` records which run has leased
//! database N, and since when. The suite leases and empties only databases that are empty or that the
//! registry lists as leased by a run; it does not touch other data.
//!
//! Pub/sub channels are shared by all logical databases: all deployments receive what one publishes. An
//! implementation that publishes users' data needs `--jobs 1` with such a server, or Redis as a process.
//! Clusters are not supported, because they have one logical database; nor is TLS, because links forward
//! plain text.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use percent_encoding::percent_decode_str;
use redis::RedisResult;
use redis::aio::MultiplexedConnection;
use tokio::sync::{Mutex, mpsc};
use tokio_util::task::TaskTracker;
use url::Url;

use super::lease::{Endpoint, LeaseHandle, LeasePool, MIN_VERSION, REDIS, StartedBackend};
use crate::backends::provider::{BackendError, BackendInfo, ProviderKind, error_chain};
use crate::backends::server::pause;

/// Number of logical databases if the server does not report it.
const DEFAULT_DATABASE_COUNT: u32 = 16;

/// How long to wait for a lease.
const LEASE_TIMEOUT: Duration = Duration::from_mins(5);

/// An entry of the registry that is older than this belongs to a run that has ended.
const STALE_AFTER: Duration = Duration::from_hours(1);

const URL_EXAMPLE: &str = "CONFORMANCE_REDIS_URL is like redis://user:password@host:6379/0";

/// Lua script that claims a database atomically and returns whether it did. KEYS[1]: the database's registry key;
/// ARGV[1]: the current time; ARGV[2]: the run; ARGV[3]: entries since this time are valid; ARGV[4]: number of keys in
/// the database. Refuses if a valid entry exists, or if there is no entry and the database is not empty.
const CLAIM_SCRIPT: &str = "\
local entry = redis.call('GET', KEYS[1])
if not entry and tonumber(ARGV[4]) > 0 then return 0 end
if entry and (tonumber(string.match(entry, '^%d+')) or 0) >= tonumber(ARGV[3]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1] .. ':' .. ARGV[2])
return 1";

/// Connects to the server and checks whether it is suitable.
pub(super) async fn start(url: &str, run: &str) -> Result<StartedBackend, BackendError> {
    let registry = parse(url)
        .await
        .map_err(|cause| broken(cause, URL_EXAMPLE))?;
    let version = registry.version().await;
    let (address, advice) = (registry.address, "check the server and the URL");
    let version = version.map_err(|cause| broken(format!("{address}: {cause}"), advice))?;
    let major = version
        .split('.')
        .next()
        .and_then(|number| number.parse().ok())
        .unwrap_or(0);
    if major < MIN_VERSION {
        let cause = format!("the server is version {version}, at least {MIN_VERSION} is required");
        return Err(broken(cause, "name a newer one"));
    }
    let mut connection = registry
        .connect()
        .await
        .map_err(|cause| broken(cause, URL_EXAMPLE))?;
    let (returned, free) = mpsc::unbounded_channel();
    let count = database_count(&mut connection).await;
    for database in (0..count).filter(|number| *number != registry.database) {
        // It cannot fail: `free` is alive.
        let _ = returned.send(database);
    }
    let pool = Arc::new(DatabasePool {
        registry,
        run: run.to_owned(),
        free: Mutex::new(free),
        returned,
        returning: TaskTracker::new(),
    });
    Ok(StartedBackend {
        info: BackendInfo {
            provider: ProviderKind::External,
            version,
        },
        pool: Arc::new(pool),
    })
}

fn broken(cause: impl Into<String>, advice: &str) -> BackendError {
    BackendError::broken(
        &REDIS,
        format!("CONFORMANCE_REDIS_URL: {}", cause.into()),
        advice,
    )
}

/// Parses the URL and resolves its host.
async fn parse(url: &str) -> Result<Endpoint, String> {
    let url = Url::parse(url).map_err(|error| error.to_string())?;
    match url.scheme() {
        "redis" | "valkey" => {}
        "rediss" | "valkeys" => {
            return Err("TLS is not supported: links forward plain text".to_owned());
        }
        other => return Err(format!("`{other}` is not a URL scheme of Redis")),
    }
    let host = url
        .host_str()
        .filter(|host| !host.is_empty())
        .ok_or("names no host")?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let decoded = |text: &str| {
        let text = percent_decode_str(text).decode_utf8();
        text.map(std::borrow::Cow::into_owned)
            .map_err(|_| "is not valid UTF-8 once unescaped".to_owned())
    };
    let database = match url.path().trim_matches('/') {
        "" => 0,
        number => number
            .parse()
            .map_err(|_| "its path is not a database number".to_owned())?,
    };
    let port = url.port().unwrap_or(6379);
    Ok(Endpoint {
        address: resolve(&decoded(host)?, port).await?,
        user: match url.username() {
            "" => None,
            user => Some(decoded(user)?),
        },
        password: url.password().map(decoded).transpose()?,
        database,
    })
}

async fn resolve(host: &str, port: u16) -> Result<SocketAddr, String> {
    let unknown = |why: String| format!("host `{host}`: {why}");
    let found = tokio::net::lookup_host((host, port)).await;
    let mut found = found.map_err(|error| unknown(error.to_string()))?;
    found
        .next()
        .ok_or_else(|| unknown("has no address".to_owned()))
}

/// Number of logical databases. Hosted servers may forbid `CONFIG`; then the default is assumed.
async fn database_count(connection: &mut MultiplexedConnection) -> u32 {
    let response = redis::cmd("CONFIG")
        .arg("GET")
        .arg("databases")
        .query_async(connection)
        .await;
    let reply: Vec<String> = response.unwrap_or_default();
    reply
        .get(1)
        .and_then(|count| count.parse().ok())
        .unwrap_or(DEFAULT_DATABASE_COUNT)
}

struct DatabasePool {
    registry: Endpoint,
    run: String,
    /// Numbers of databases that this run does not use, the longest unused first.
    free: Mutex<mpsc::UnboundedReceiver<u32>>,
    returned: mpsc::UnboundedSender<u32>,
    /// Tasks that empty returned databases.
    returning: TaskTracker,
}

#[async_trait]
impl LeasePool for Arc<DatabasePool> {
    async fn take(&self) -> Result<Box<dyn LeaseHandle>, BackendError> {
        let databases = self;
        // The mutex is fair: the first to wait is the first to get a lease.
        let mut free = databases.free.lock().await;
        let started = Instant::now();
        let mut refused = 0;
        while started.elapsed() < LEASE_TIMEOUT {
            let left = LEASE_TIMEOUT.saturating_sub(started.elapsed());
            let Ok(Some(number)) = tokio::time::timeout(left, free.recv()).await else {
                break;
            };
            let endpoint = databases.endpoint(number);
            let claimed = databases.claim(&endpoint).await;
            if claimed.map_err(|error| databases.unreachable(&error_chain(&error)))? {
                return Ok(Box::new(Lease {
                    endpoint,
                    databases: databases.clone(),
                }));
            }
            // Another run has leased it, or it contains other data; try it again later.
            let _ = databases.returned.send(number);
            refused += 1;
            if refused % DEFAULT_DATABASE_COUNT == 0 {
                pause(Duration::from_millis(100)).await;
            }
        }
        let limit = LEASE_TIMEOUT.as_secs();
        let cause = format!("no logical database became free within {limit} s");
        Err(broken(
            cause,
            "empty some databases, or use fewer with --jobs",
        ))
    }

    async fn check_alive(&self) -> Result<(), BackendError> {
        self.registry
            .ping()
            .await
            .map_err(|cause| self.unreachable(&cause))
    }

    async fn stop(&self) {
        self.returning.close();
        self.returning.wait().await;
    }
}

impl DatabasePool {
    fn endpoint(&self, database: u32) -> Endpoint {
        Endpoint {
            database,
            ..self.registry.clone()
        }
    }

    /// The error of a failed request to the server.
    fn unreachable(&self, cause: &str) -> BackendError {
        let advice = format!("check the server at {}", self.registry.address);
        broken(cause, &advice)
    }

    /// Claims a database for this run and empties it; false if it is in use.
    async fn claim(&self, endpoint: &Endpoint) -> RedisResult<bool> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let mut database = open(endpoint).await?;
        let size: u64 = redis::cmd("DBSIZE").query_async(&mut database).await?;
        let mut registry = open(&self.registry).await?;
        let claimed: bool = redis::cmd("EVAL")
            .arg(CLAIM_SCRIPT)
            .arg(1)
            .arg(registry_key(endpoint.database))
            .arg(now.as_secs())
            .arg(&self.run)
            .arg(now.saturating_sub(STALE_AFTER).as_secs())
            .arg(size)
            .query_async(&mut registry)
            .await?;
        if claimed {
            redis::cmd("FLUSHDB").exec_async(&mut database).await?;
        }
        Ok(claimed)
    }

    /// Empties a database, then removes it from the registry.
    async fn release(&self, endpoint: &Endpoint) -> RedisResult<()> {
        let mut database = open(endpoint).await?;
        redis::cmd("FLUSHDB").exec_async(&mut database).await?;
        let mut registry = open(&self.registry).await?;
        redis::cmd("DEL")
            .arg(registry_key(endpoint.database))
            .exec_async(&mut registry)
            .await
    }
}

fn registry_key(database: u32) -> String {
    format!("conformance:lease:{database}")
}

async fn open(endpoint: &Endpoint) -> RedisResult<MultiplexedConnection> {
    let failed =
        |why: String| redis::RedisError::from((redis::ErrorKind::Io, "cannot connect", why));
    endpoint.connect().await.map_err(failed)
}

struct Lease {
    endpoint: Endpoint,
    databases: Arc<DatabasePool>,
}

#[async_trait]
impl LeaseHandle for Lease {
    fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    fn pid(&self) -> Option<u32> {
        None
    }

    async fn exit_error(&self) -> Option<BackendError> {
        None
    }

    fn release(self: Box<Self>) {
        let Self {
            endpoint,
            databases,
        } = *self;
        // Without a runtime the run is over; other runs ignore the entry after an hour.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let tracker = databases.returning.clone();
            tracker.spawn_on(
                async move {
                    // An error shows when the database is leased again.
                    let _ = databases.release(&endpoint).await;
                    let _ = databases.returned.send(endpoint.database);
                },
                &runtime,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_parts_of_a_url_are_parsed() {
        let endpoint = parse("redis://us%40er:p%25w@127.0.0.1:6000/3?protocol=3")
            .await
            .unwrap();
        assert_eq!(endpoint.address, ([127, 0, 0, 1], 6000).into());
        assert_eq!(endpoint.user.as_deref(), Some("us@er"));
        assert_eq!(endpoint.password.as_deref(), Some("p%w"));
        assert_eq!(endpoint.database, 3);
    }

    #[tokio::test]
    async fn an_unsupported_url_is_refused_without_showing_its_secrets() {
        for url in [
            "secret",
            "rediss://:secret@127.0.0.1/",
            "http://secret/",
            "redis://127.0.0.1/secret",
        ] {
            let error = broken(parse(url).await.err().unwrap(), URL_EXAMPLE).to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
