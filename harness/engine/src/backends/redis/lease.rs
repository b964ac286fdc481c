//! The traits of Redis providers, and connections to Redis.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, InfoDict};

use crate::backends::provider::{BackendError, BackendInfo, Description, error_chain};
use crate::backends::server::printable;

/// Names, variables, packages and images of Redis.
pub(super) static REDIS: Description = Description {
    name: "redis",
    title: "Redis",
    packages: "redis-server",
    url_variable: "CONFORMANCE_REDIS_URL",
    image_variable: "CONFORMANCE_REDIS_IMAGE",
    images: ["conformance-redis", "redis:8"],
};

/// The oldest supported major version.
pub(super) const MIN_VERSION: u32 = 6;

/// Timeout of a connection attempt and of a response.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// The result of starting a provider; its first server answers.
pub(super) struct StartedBackend {
    pub(super) info: BackendInfo,
    pub(super) pool: Arc<dyn LeasePool>,
}

/// Hands out leases of one provider.
#[async_trait]
pub(super) trait LeasePool: Send + Sync {
    /// Takes an empty Redis; waits if all are in use.
    async fn take(&self) -> Result<Box<dyn LeaseHandle>, BackendError>;

    /// Fails unless leases can be taken.
    async fn check_alive(&self) -> Result<(), BackendError>;

    /// Waits until returned leases are emptied, and stops the servers that the provider started.
    async fn stop(&self);
}

/// A provider's part of one lease.
#[async_trait]
pub(super) trait LeaseHandle: Send + Sync {
    /// Address and credentials.
    fn endpoint(&self) -> &Endpoint;

    /// The server's process id, if the server serves only this lease.
    fn pid(&self) -> Option<u32>;

    /// After a failed request: an error if the server has exited.
    async fn exit_error(&self) -> Option<BackendError>;

    /// Returns the lease to the pool.
    fn release(self: Box<Self>);
}

/// Address and credentials of a Redis.
#[derive(Clone)]
pub(super) struct Endpoint {
    pub(super) address: SocketAddr,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    /// Number of the logical database.
    pub(super) database: u32,
}

impl Endpoint {
    /// The `REDIS_URL` with the address `via`.
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

    /// Connects directly, not through a link; the error contains all causes.
    pub(super) async fn connect(&self) -> Result<MultiplexedConnection, String> {
        let client = Client::open(self.url(self.address)).map_err(|error| error_chain(&error))?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(RESPONSE_TIMEOUT))
            .set_response_timeout(Some(RESPONSE_TIMEOUT));
        let connected = client
            .get_multiplexed_async_connection_with_config(&config)
            .await;
        connected.map_err(|error| error_chain(&error))
    }

    /// The version that the server reports: `7.0.15`.
    pub(super) async fn version(&self) -> Result<String, String> {
        let mut connection = self.connect().await?;
        let response = redis::cmd("INFO")
            .arg("server")
            .query_async(&mut connection)
            .await;
        let info: InfoDict = response.map_err(|error| error_chain(&error))?;
        // Valkey's `redis_version` is the Redis version that it is compatible with.
        let version = info
            .get("valkey_version")
            .or_else(|| info.get("redis_version"));
        version.ok_or_else(|| "INFO has no version".to_owned())
    }

    /// Fails unless the server answers `PING`.
    pub(super) async fn ping(&self) -> Result<(), String> {
        let mut connection = self.connect().await?;
        let answer = redis::cmd("PING").query_async(&mut connection).await;
        let answer: String = answer.map_err(|error| error_chain(&error))?;
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
    fn a_url_contains_escaped_password_and_database() {
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
    fn a_url_without_credentials_has_no_login_part() {
        let endpoint = Endpoint {
            address: ([127, 0, 0, 1], 6379).into(),
            user: None,
            password: None,
            database: 0,
        };
        assert_eq!(endpoint.url(endpoint.address), "redis://127.0.0.1:6379/0");
    }
}
