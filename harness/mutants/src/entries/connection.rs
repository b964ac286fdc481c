//! A database connection that is not replaced after it broke.

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, PgConnection};
use tokio::sync::Mutex;
use user_service::settings::Settings;

/// A database connection that is opened at its first use and not reopened after it broke.
pub struct OneConnection {
    options: PgConnectOptions,
    connection: Mutex<Option<PgConnection>>,
}

impl OneConnection {
    /// A connection to the database of these settings, not opened yet.
    pub fn new(settings: &Settings) -> Self {
        Self {
            options: settings.database.clone(),
            connection: Mutex::new(None),
        }
    }

    /// Runs a statement on the connection; the error says what failed.
    pub async fn probe(&self) -> Result<(), &'static str> {
        let mut connection = self.connection.lock().await;
        if connection.is_none() {
            let opened = self.options.connect().await;
            *connection = Some(opened.map_err(|_| "cannot connect")?);
        }
        let opened = connection.as_mut().ok_or("cannot connect")?;
        let done = sqlx::query("SELECT 1").execute(opened).await;
        done.map(|_| ()).map_err(|_| "cannot query")
    }
}
