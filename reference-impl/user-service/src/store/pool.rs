//! Connections to PostgreSQL, each in use by one statement at a time.
//!
//! Unlike sqlx's own pool it bounds every wait for a connection that fell silent, and never
//! counts a connection as gone while its server may still be working for it (USR-18, USR-20).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use metrics::histogram;
use platform::traces::{KeyValue, OpenSpan};
use sqlx::Connection as _;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

use super::connection::OpenConnection;
use super::{StoreError, failure};
use crate::families::QUERY_DURATIONS;

/// A connection that worked this short a time ago is not pinged: under load that
/// would double the round trips of each call. If it has died meanwhile, its call fails as it would
/// have a moment later.
const FRESH: Duration = Duration::from_millis(100);

/// How long a connection that was idle for longer may take to show that it is alive.
const PING: Duration = Duration::from_secs(1);

/// How long closing a connection politely may take.
const GOODBYE: Duration = Duration::from_millis(200);

/// A bounded set of connections. Clones share it.
#[derive(Clone)]
pub struct Pool(Arc<Shared>);

struct Shared {
    options: PgConnectOptions,
    /// Bounds each statement, with the wait for a connection.
    request_timeout: Duration,
    /// A permit for each connection in use. Its holder opens a connection only if none is idle, so that
    /// idle ones and those in use together are never more.
    permits: Arc<Semaphore>,
    /// Idle connections, the one that was used last at the end.
    idle: Mutex<Vec<Idle>>,
}

/// An idle connection.
struct Idle {
    connection: OpenConnection,
    /// When it last worked.
    since: Instant,
}

impl Pool {
    /// At most `size` connections, opened when needed. The server gives up a statement after
    /// `request_timeout`, when its call has ended.
    pub fn new(options: PgConnectOptions, size: u32, request_timeout: Duration) -> Self {
        let permits = usize::try_from(size)
            .unwrap_or(usize::MAX)
            .min(Semaphore::MAX_PERMITS);
        Self(Arc::new(Shared {
            options: with_statement_timeout(options, request_timeout),
            request_timeout,
            permits: Arc::new(Semaphore::new(permits)),
            idle: Mutex::default(),
        }))
    }

    /// Runs a statement: waits for its turn, then for a connection that works, then for the result (USR-18,
    /// USR-20). `name`, one of a fixed set, is its label in the metrics and the name of its span.
    pub async fn run<T>(
        &self,
        name: &'static str,
        statement: impl AsyncFnOnce(&mut PgConnection) -> sqlx::Result<T>,
    ) -> Result<T, StoreError> {
        let run = async {
            let mut connection = self.acquire().await?;
            let result = {
                let _running = RunningStatement::begin(name);
                statement(connection.inner()).await
            };
            connection.release(result)
        };
        timeout(self.0.request_timeout, run)
            .await
            .unwrap_or_else(|elapsed| Err(StoreError::Unavailable(elapsed.into())))
    }

    /// Waits for its turn, then for a connection that works.
    async fn acquire(&self) -> Result<PooledConnection, StoreError> {
        let Self(shared) = self;
        let permit = Arc::clone(&shared.permits)
            .acquire_owned()
            .await
            .expect("the semaphore is never closed");
        let connection = match shared.take_idle().await {
            Some(connection) => connection,
            None => shared.connect().await?,
        };
        let server_gives_up = Instant::now() + shared.request_timeout + GOODBYE;
        Ok(PooledConnection {
            in_use: Some(InUse { connection, permit }),
            shared: Arc::clone(shared),
            server_gives_up,
        })
    }
}

/// Connections on which the server itself gives up a statement after `limit`. (sqlx does not
/// cancel a statement whose future is dropped.)
pub(crate) fn with_statement_timeout(
    options: PgConnectOptions,
    limit: Duration,
) -> PgConnectOptions {
    // PostgreSQL takes an i32, and 0 for no limit.
    let milliseconds = limit.as_millis().clamp(1, i32::MAX as u128);
    options.options([("statement_timeout", milliseconds.to_string())])
}

impl Shared {
    /// An idle connection, if there is one and it works. If it does not, the others shared its
    /// fate: they are not tried one after the other.
    async fn take_idle(&self) -> Option<OpenConnection> {
        let Idle {
            mut connection,
            since,
        } = self.idle().pop()?;
        if since.elapsed() < FRESH {
            return Some(connection);
        }
        let limit = PING.min(self.request_timeout / 4);
        if let Ok(Ok(())) = timeout(limit, connection.ping()).await {
            return Some(connection);
        }
        self.idle().clear();
        None
    }

    async fn connect(&self) -> Result<OpenConnection, StoreError> {
        OpenConnection::open(&self.options)
            .await
            .map_err(failure::of_connecting)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A statement under way. Its duration is recorded and its span ends when this is dropped, even if its call was
/// given up.
struct RunningStatement {
    name: &'static str,
    start: Instant,
    _span: Option<OpenSpan>,
}

impl RunningStatement {
    fn begin(name: &'static str) -> Self {
        let attributes = vec![
            KeyValue::new("db.system.name", "postgresql"),
            KeyValue::new("db.operation.name", name),
        ];
        Self {
            name,
            start: Instant::now(),
            _span: OpenSpan::client(name, attributes),
        }
    }
}

impl Drop for RunningStatement {
    fn drop(&mut self) {
        histogram!(QUERY_DURATIONS, "query" => self.name).record(self.start.elapsed());
    }
}

/// A connection in use.
struct PooledConnection {
    /// Taken when the connection goes back.
    in_use: Option<InUse>,
    shared: Arc<Shared>,
    /// When the server has given up any statement on this connection.
    server_gives_up: Instant,
}

struct InUse {
    connection: OpenConnection,
    permit: OwnedSemaphorePermit,
}

impl PooledConnection {
    /// The connection, for one statement.
    fn inner(&mut self) -> &mut PgConnection {
        &mut self
            .in_use
            .as_mut()
            .expect("held until it is released")
            .connection
    }

    /// Gives the connection back, with the result of its statement. It is kept if it is sound.
    fn release<T>(mut self, result: sqlx::Result<T>) -> Result<T, StoreError> {
        if result.as_ref().err().is_none_or(failure::is_harmless)
            && let Some(InUse { connection, permit }) = self.in_use.take()
        {
            let since = Instant::now();
            self.shared.idle().push(Idle { connection, since });
            drop(permit);
        }
        result.map_err(failure::of_statement)
    }
}

impl Drop for PooledConnection {
    /// The call was given up, or the connection failed. The permit is not free before the server
    /// has done what it was asked, or has given up: it would have more connections than allowed.
    fn drop(&mut self) {
        if let Some(in_use) = self.in_use.take() {
            tokio::spawn(in_use.discard(self.server_gives_up));
        }
    }
}

impl InUse {
    async fn discard(mut self, server_gives_up: Instant) {
        if let Ok(Ok(())) = timeout_at(server_gives_up, self.connection.ping()).await {
            // What is still unsent on a connection that is closed anyway is no loss.
            let _ = timeout(GOODBYE, self.connection.close()).await;
        }
        drop(self.permit);
    }
}
