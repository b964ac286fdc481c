//! What every provider of Redis hands over, and what the suite wants of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, InfoDict};

use crate::backends::provider::{BackendError, BackendInfo, Description, chain};
use crate::backends::server::printable;

/// Redis, as messages and reports name it.
pub(super) static REDIS: Description = Description {
    name: "redis",
    title: "Redis",
    packages: "redis-server",
    url_variable: "CONFORMANCE_REDIS_URL",
    image_variable: "CONFORMANCE_REDIS_IMAGE",
    images: ["conformance-redis", "redis:8"],
};

/// The oldest major version that will do.
pub(super) const LEAST: u32 = 6;

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
        let reply = redis::cmd("INFO")
            .arg("server")
            .query_async(&mut connection)
            .await;
        let info: InfoDict = reply.map_err(|error| chain(&error))?;
        // Valkey keeps the version of the Redis that it stands in for in `redis_version`.
        let version = info
            .get("valkey_version")
            .or_else(|| info.get("redis_version"));
        version.ok_or_else(|| "INFO has no version".to_owned())
    }

    /// Checks that the server answers.
    pub(super) async fn ping(&self) -> Result<(), String> {
        let mut connection = self.connect().await?;
        let answer = redis::cmd("PING").query_async(&mut connection).await;
        let answer: String = answer.map_err(|error| chain(&error))?;
        if answer == "PONG" {
            Ok(())
        } else {
            Err(format!("PING answers `{}`", printable(&answer)))
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
