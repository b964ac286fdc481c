//! A Redis server that runs already: `CONFORMANCE_REDIS_URL`.
//!
//! - `claims`: which run has which logical database, by a ledger on the server
//! - `databases`: leases of those databases
//!
//! Each lease is a logical database, and two runs may share the server. The suite leases, and empties, only
//! databases that are empty or that the ledger, in the database that the URL names (0 if none), says are
//! its own; whatever else lies on the server is left alone.
//!
//! Channels do not belong to a logical database: what one deployment publishes, all hear. An
//! implementation that sends users' data through channels wants `--jobs 1` with such a server, or
//! a process. A cluster has a single logical database and will not do; links carry plain text.

mod claims;
mod databases;

use std::net::SocketAddr;
use std::sync::Arc;

use percent_encoding::percent_decode_str;
use redis::aio::MultiplexedConnection;
use url::Url;

use self::databases::DatabasePool;
use super::lease::{Endpoint, LEAST, REDIS, Started};
use crate::backends::provider::{BackendError, BackendInfo, ProviderKind};

/// How many logical databases a server has unless it says something else.
const USUAL_DATABASES: u32 = 16;

const EXAMPLE: &str = "CONFORMANCE_REDIS_URL is like redis://user:password@host:6379/0";

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
    let numbers = 0..databases(&mut connection).await;
    let numbers = numbers.filter(|it| *it != ledger.database).collect();
    let pool = DatabasePool::open(ledger, numbers, run).await?;
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
    let asked = redis::cmd("CONFIG")
        .arg("GET")
        .arg("databases")
        .query_async(connection)
        .await;
    let said: Vec<String> = asked.unwrap_or_default();
    said.get(1)
        .and_then(|it| it.parse().ok())
        .unwrap_or(USUAL_DATABASES)
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
