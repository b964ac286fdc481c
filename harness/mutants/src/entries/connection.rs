//! One connection to the database that is never replaced, even when it broke.

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, PgConnection};
use tokio::sync::Mutex;
use user_service::settings::Settings;

/// A connection that is opened once, and not again when it is gone.
pub struct OneConnection {
    options: PgConnectOptions,
    connection: Mutex<Option<PgConnection>>,
}

impl OneConnection {
    /// To the database of these settings; it is opened when it is first used.
    pub fn of(settings: &Settings) -> Self {
        Self {
            options: settings.database.clone(),
            connection: Mutex::new(None),
        }
    }

    /// Runs a statement on the connection; the error names what failed.
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
