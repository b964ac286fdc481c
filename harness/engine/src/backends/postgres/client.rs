//! The suite's connections to PostgreSQL.

use std::net::SocketAddr;
use std::time::Duration;

use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config, NoTls};

use crate::backends::provider::error_chain;

/// Timeout of connecting, including authentication.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// Timeout of a statement of the suite; copying a database on a slow disk takes long.
const STATEMENT_TIMEOUT: Duration = Duration::from_mins(1);

/// One connection that executes statements one after the other, opened on first use.
pub(super) struct AdminClient {
    config: Config,
    client: tokio::sync::Mutex<Option<Client>>,
}

impl AdminClient {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            config: config.clone(),
            client: tokio::sync::Mutex::new(None),
        }
    }

    pub(super) async fn execute(&self, statement: &str) -> Result<(), String> {
        let mut slot = self.client.lock().await;
        let open = slot.take().filter(|client| !client.is_closed());
        let client = match open {
            Some(client) => client,
            None => connect(&self.config).await?,
        };
        let result = execute(&client, statement).await;
        *slot = Some(client);
        result
    }
}

/// Executes a statement; the error contains it.
pub(super) async fn execute(client: &Client, statement: &str) -> Result<(), String> {
    let limit = STATEMENT_TIMEOUT;
    match tokio::time::timeout(limit, client.batch_execute(statement)).await {
        Ok(done) => done.map_err(|error| format!("`{statement}`: {}", error_chain(&error))),
        Err(_) => Err(format!(
            "`{statement}`: no answer within {} s",
            limit.as_secs()
        )),
    }
}

/// Connection settings of the suite, without user and password.
pub(super) fn suite_config(address: SocketAddr) -> Config {
    let mut config = Config::new();
    config
        .host(address.ip().to_string())
        .port(address.port())
        .dbname("postgres")
        .application_name("conformance")
        .ssl_mode(SslMode::Disable);
    config
}

/// Opens a connection; the error contains all causes.
pub(super) async fn connect(config: &Config) -> Result<Client, String> {
    let connected = tokio::time::timeout(CONNECT_TIMEOUT, config.connect(NoTls)).await;
    let (client, connection) = connected
        .map_err(|_| format!("no connection within {} s", CONNECT_TIMEOUT.as_secs()))?
        .map_err(|error| error_chain(&error))?;
    // A connection error shows at the client's next request.
    tokio::spawn(async move { drop(connection.await) });
    Ok(client)
}

/// The version that the server reports: `15.18`.
pub(super) async fn version(client: &Client) -> Result<String, String> {
    let row = client.query_one("SHOW server_version", &[]).await;
    let full: String = row.map_err(|error| error_chain(&error))?.get(0);
    Ok(full
        .split_whitespace()
        .next()
        .unwrap_or_default()
        .to_owned())
}
