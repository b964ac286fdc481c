//! A connection to PostgreSQL, counted while it is open (MET-6).

use std::ops::{Deref, DerefMut};

use metrics::gauge;
use platform::metrics::GaugeGuard;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Connection as _};

use crate::families::CONNECTIONS_OPEN;

/// An open connection.
pub struct OpenConnection {
    connection: PgConnection,
    _counted: GaugeGuard,
}

impl OpenConnection {
    /// Opens one.
    pub async fn open(options: &PgConnectOptions) -> sqlx::Result<Self> {
        Ok(Self {
            connection: options.connect().await?,
            _counted: GaugeGuard::raise(gauge!(CONNECTIONS_OPEN)),
        })
    }

    /// Closes it, with a message to the server.
    pub async fn close(self) -> sqlx::Result<()> {
        self.connection.close().await
    }
}

impl Deref for OpenConnection {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for OpenConnection {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}
