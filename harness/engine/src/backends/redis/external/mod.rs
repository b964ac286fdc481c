//! A Redis server that already runs: `CONFORMANCE_REDIS_URL`.
//!
//! - `claims`: the lease registry on the server, which records the run of each leased database
//! - `databases`: the pool of logical databases
//!
//! Each lease is a logical database, and several runs may share the server. The database that the URL
//! names (default 0) contains the lease registry. The suite leases and empties only databases that are
//! empty or that the registry lists as leased by a run; it does not touch other data.
//!
//! Pub/sub channels are shared by all logical databases: all deployments receive what one publishes. An
//! implementation that publishes users' data needs `--jobs 1` with such a server, or Redis as a process.
//! Clusters are not supported, because they have one logical database; nor is TLS, because links forward
//! plain text.

mod claims;
mod databases;

use std::net::SocketAddr;
use std::sync::Arc;

use percent_encoding::percent_decode_str;
use redis::aio::MultiplexedConnection;
use url::Url;

use self::databases::DatabasePool;
use super::lease::{Endpoint, MIN_VERSION, REDIS, StartedBackend};
use crate::backends::provider::{BackendError, BackendInfo, ProviderKind};

/// Number of logical databases if the server does not report it.
const DEFAULT_DATABASE_COUNT: u32 = 16;

const URL_EXAMPLE: &str = "CONFORMANCE_REDIS_URL is like redis://user:password@host:6379/0";

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
    let numbers = 0..database_count(&mut connection).await;
    let numbers = numbers
        .filter(|number| *number != registry.database)
        .collect();
    let pool = DatabasePool::open(registry, numbers, run).await?;
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
