//! A Redis server that runs already: `CONFORMANCE_REDIS_URL`.
//!
//! Each lease is a logical database, and two runs may share the server. The database that the URL
//! names (0 if none) is the ledger: its keys `conformance:lease:N` hold which run has database N
//! since when. The suite leases, and empties, only databases that are empty or that the ledger
//! says are its own; everything else on the server is left alone.
//!
//! Channels do not belong to a logical database: a message of one deployment reaches all. An
//! implementation that sends users' data through channels needs `--jobs 1` with such a server, or
//! a process. A cluster has a single logical database and will not do; links carry plain text.

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

use super::lease::{Endpoint, LEAST, LeaseHandle, LeasePool, REDIS, Started};
use crate::backends::provider::{BackendError, BackendInfo, ProviderKind, chain};
use crate::backends::server::pause;

/// How many logical databases a server has unless it says something else.
const USUAL_DATABASES: u32 = 16;

/// How long a lease is waited for.
const LEASE_LIMIT: Duration = Duration::from_mins(5);

/// Older than this, an entry of the ledger belongs to no run that still goes on.
const STALE: Duration = Duration::from_hours(1);

const EXAMPLE: &str = "CONFORMANCE_REDIS_URL is like redis://user:password@host:6379/0";

/// Takes the database of the entry KEYS[1] at ARGV[1] for run ARGV[2], unless it was taken since
/// ARGV[3], or is in no run's name and not empty (ARGV[4]).
const TAKE: &str = "\
local entry = redis.call('GET', KEYS[1])
if not entry and tonumber(ARGV[4]) > 0 then return 0 end
if entry and (tonumber(string.match(entry, '^%d+')) or 0) >= tonumber(ARGV[3]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1] .. ':' .. ARGV[2])
return 1";

/// Reaches the server and looks whether it will do.
pub(super) async fn start(url: &str, run: &str) -> Result<Started, BackendError> {
    let ledger = parse(url).await.map_err(|cause| broken(cause, EXAMPLE))?;
    let reached = ledger.version().await;
    let (address, look) = (ledger.address, "look at the server and at the URL");
    let version = reached.map_err(|cause| broken(format!("{address}: {cause}"), look))?;
    let major = version
        .split('.')
        .next()
        .and_then(|it| it.parse().ok())
        .unwrap_or(0);
    if major < LEAST {
        let cause = format!("the server is version {version}, at least {LEAST} is wanted");
        return Err(broken(cause, "name a newer one"));
    }
    let mut connection = ledger
        .connect()
        .await
        .map_err(|cause| broken(cause, EXAMPLE))?;
    let (returned, free) = mpsc::unbounded_channel();
    for database in (0..databases(&mut connection).await).filter(|it| *it != ledger.database) {
        // The receiver is right here.
        let _ = returned.send(database);
    }
    let pool = Arc::new(DatabasePool {
        ledger,
        run: run.to_owned(),
        free: Mutex::new(free),
        returned,
        returning: TaskTracker::new(),
    });
    Ok(Started {
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

/// What the URL says, with the host's address.
async fn parse(url: &str) -> Result<Endpoint, String> {
    let url = Url::parse(url).map_err(|error| error.to_string())?;
    match url.scheme() {
        "redis" | "valkey" => {}
        "rediss" | "valkeys" => {
            return Err("links carry plain text, TLS is not possible".to_owned());
        }
        other => return Err(format!("`{other}` is no scheme of Redis")),
    }
    let host = url
        .host_str()
        .filter(|it| !it.is_empty())
        .ok_or("names no host")?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let decoded = |text: &str| {
        let text = percent_decode_str(text).decode_utf8();
        text.map(std::borrow::Cow::into_owned)
            .map_err(|_| "is not UTF-8 once unescaped".to_owned())
    };
    let database = match url.path().trim_matches('/') {
        "" => 0,
        number => number
            .parse()
            .map_err(|_| "its path is no number of a database".to_owned())?,
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

/// How many logical databases there are; servers that are looked after by others may not say.
async fn databases(connection: &mut MultiplexedConnection) -> u32 {
    let reply = redis::cmd("CONFIG")
        .arg("GET")
        .arg("databases")
        .query_async(connection)
        .await;
    let said: Vec<String> = reply.unwrap_or_default();
    said.get(1)
        .and_then(|it| it.parse().ok())
        .unwrap_or(USUAL_DATABASES)
}

struct DatabasePool {
    ledger: Endpoint,
    run: String,
    /// Numbers that this run does not use, the one that is longest free first.
    free: Mutex<mpsc::UnboundedReceiver<u32>>,
    returned: mpsc::UnboundedSender<u32>,
    /// Databases that are being emptied.
    returning: TaskTracker,
}

#[async_trait]
impl LeasePool for Arc<DatabasePool> {
    async fn take(&self) -> Result<Box<dyn LeaseHandle>, BackendError> {
        let databases = self;
        // Who waits first is served first.
        let mut free = databases.free.lock().await;
        let begun = Instant::now();
        let mut refused = 0;
        while begun.elapsed() < LEASE_LIMIT {
            let left = LEASE_LIMIT.saturating_sub(begun.elapsed());
            let Ok(Some(number)) = tokio::time::timeout(left, free.recv()).await else {
                break;
            };
            let endpoint = databases.endpoint(number);
            let claimed = databases.claim(&endpoint).await;
            if claimed.map_err(|error| databases.trouble(&chain(&error)))? {
                return Ok(Box::new(Lease {
                    endpoint,
                    databases: databases.clone(),
                }));
            }
            // Another run has it, or it holds a user's data: perhaps not for long.
            let _ = databases.returned.send(number);
            refused += 1;
            if refused % USUAL_DATABASES == 0 {
                pause(Duration::from_millis(100)).await;
            }
        }
        let limit = LEASE_LIMIT.as_secs();
        let cause = format!("no logical database became free within {limit} s");
        Err(broken(cause, "empty some, or take fewer with --jobs"))
    }

    async fn alive(&self) -> Result<(), BackendError> {
        self.ledger
            .ping()
            .await
            .map_err(|cause| self.trouble(&cause))
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
            ..self.ledger.clone()
        }
    }

    fn trouble(&self, cause: &str) -> BackendError {
        let advice = format!("look at the server at {}", self.ledger.address);
        broken(cause, &advice)
    }

    /// Takes a database for this run and empties it; false if it is not to be had.
    async fn claim(&self, endpoint: &Endpoint) -> RedisResult<bool> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let mut database = open(endpoint).await?;
        let size: u64 = redis::cmd("DBSIZE").query_async(&mut database).await?;
        let mut ledger = open(&self.ledger).await?;
        let taken: bool = redis::cmd("EVAL")
            .arg(TAKE)
            .arg(1)
            .arg(entry(endpoint.database))
            .arg(now.as_secs())
            .arg(&self.run)
            .arg(now.saturating_sub(STALE).as_secs())
            .arg(size)
            .query_async(&mut ledger)
            .await?;
        if taken {
            redis::cmd("FLUSHDB").exec_async(&mut database).await?;
        }
        Ok(taken)
    }

    /// Empties a database and takes it out of the ledger, in this order.
    async fn release(&self, endpoint: &Endpoint) -> RedisResult<()> {
        let mut database = open(endpoint).await?;
        redis::cmd("FLUSHDB").exec_async(&mut database).await?;
        let mut ledger = open(&self.ledger).await?;
        redis::cmd("DEL")
            .arg(entry(endpoint.database))
            .exec_async(&mut ledger)
            .await
    }
}

fn entry(database: u32) -> String {
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

    async fn end(&self) -> Option<BackendError> {
        None
    }

    fn release(self: Box<Self>) {
        let Self {
            endpoint,
            databases,
        } = *self;
        // Without a runtime the run is over; the ledger gives the database back after an hour.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let tracker = databases.returning.clone();
            tracker.spawn_on(
                async move {
                    // If it fails, the next lease of this database reports why.
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
    async fn everything_of_a_url_is_taken() {
        let endpoint = parse("redis://us%40er:p%25w@127.0.0.1:6000/3?protocol=3")
            .await
            .unwrap();
        assert_eq!(endpoint.address, ([127, 0, 0, 1], 6000).into());
        assert_eq!(endpoint.user.as_deref(), Some("us@er"));
        assert_eq!(endpoint.password.as_deref(), Some("p%w"));
        assert_eq!(endpoint.database, 3);
    }

    #[tokio::test]
    async fn what_is_no_url_of_a_plain_server_is_refused_without_showing_it() {
        for url in [
            "secret",
            "rediss://:secret@127.0.0.1/",
            "http://secret/",
            "redis://127.0.0.1/secret",
        ] {
            let error = broken(parse(url).await.err().unwrap(), EXAMPLE).to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
