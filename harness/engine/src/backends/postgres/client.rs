//! The suite's own connections to PostgreSQL.

use std::net::SocketAddr;
use std::time::Duration;

use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config, NoTls};

use crate::backends::provider::chain;

/// How long the server may take to accept a connection and to check its password.
const CONNECT_LIMIT: Duration = Duration::from_secs(20);

/// How long a statement of the suite's own may take: a whole database is copied, maybe on a slow disk.
const STATEMENT_LIMIT: Duration = Duration::from_mins(1);

/// One connection for statements of which one waits for the other, opened when first needed.
pub(super) struct Admin {
    config: Config,
    line: tokio::sync::Mutex<Option<Client>>,
}

impl Admin {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            config: config.clone(),
            line: tokio::sync::Mutex::new(None),
        }
    }

    pub(super) async fn execute(&self, statement: &str) -> Result<(), String> {
        let mut line = self.line.lock().await;
        let open = line.take().filter(|it| !it.is_closed());
        let client = match open {
            Some(client) => client,
            None => connect(&self.config).await?,
        };
        let done = execute(&client, statement).await;
        *line = Some(client);
        done
    }
}

/// Carries out a statement; the error names it.
pub(super) async fn execute(client: &Client, statement: &str) -> Result<(), String> {
    let limit = STATEMENT_LIMIT;
    match tokio::time::timeout(limit, client.batch_execute(statement)).await {
        Ok(done) => done.map_err(|error| format!("`{statement}`: {}", chain(&error))),
        Err(_) => Err(format!(
            "`{statement}`: no answer within {} s",
            limit.as_secs()
        )),
    }
}

/// The suite's own settings for a connection.
pub(super) fn own_config(address: SocketAddr) -> Config {
    let mut config = Config::new();
    config
        .host(address.ip().to_string())
        .port(address.port())
        .dbname("postgres")
        .application_name("conformance")
        .ssl_mode(SslMode::Disable);
    config
}

/// Opens a connection; the error says all that is known.
pub(super) async fn connect(config: &Config) -> Result<Client, String> {
    let connected = tokio::time::timeout(CONNECT_LIMIT, config.connect(NoTls)).await;
    let (client, connection) = connected
        .map_err(|_| format!("no connection within {} s", CONNECT_LIMIT.as_secs()))?
        .map_err(|error| chain(&error))?;
    // Its error is returned by the next call of the client.
    tokio::spawn(async move { drop(connection.await) });
    Ok(client)
}

/// The server's own word for its version: `15.18`.
pub(super) async fn version(client: &Client) -> Result<String, String> {
    let row = client.query_one("SHOW server_version", &[]).await;
    let full: String = row.map_err(|error| chain(&error))?.get(0);
    Ok(full
        .split_whitespace()
        .next()
        .unwrap_or_default()
        .to_owned())
}
