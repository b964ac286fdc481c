//! PostgreSQL: one server for the run, a database for each deployment.
//!
//! - `server`: what every provider hands over
//! - `client`: the suite's own connections
//! - `names`: names that mark the run's databases, and their age
//! - `account`: the user that runs PostgreSQL's server
//! - `own`: what servers of the suite's own have in common
//! - `process`: a server from the programs of this machine
//! - `container`: the same in a container
//! - `external`: a server that `CONFORMANCE_POSTGRES_URL` names

mod account;
mod client;
mod container;
mod external;
mod names;
mod own;
mod process;
mod server;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::SystemTime;

use async_trait::async_trait;
use tokio::sync::mpsc;
use tokio_postgres::{Client, Config};

use client::{Admin, connect, execute};
use names::{is_stale, prefix};
use server::{Endpoint, POSTGRES, ServerHandle};

use crate::backends::backend::{Backend, BackendHandle, Route, RunningBackend, route};
use crate::backends::programs::Program;
use crate::backends::provider::{BackendError, BackendInfo, Choice, Description, chain};
use crate::backends::server::Workspace;
use crate::sandbox::Sandbox;
use crate::sandbox::host::Host;

/// PostgreSQL in the registry.
pub(super) struct PostgresBackend;

#[async_trait]
impl Backend for PostgresBackend {
    fn description(&self) -> &'static Description {
        &POSTGRES
    }

    fn find(&self, host: &Host) -> Result<Program, BackendError> {
        process::find(host)
    }

    async fn examine(&self, url: &str) -> Result<BackendInfo, BackendError> {
        external::start(url).await.map(|started| started.info)
    }

    async fn start(
        &self,
        route: Route,
        sandbox: &Sandbox,
    ) -> Result<Arc<dyn RunningBackend>, BackendError> {
        Ok(Arc::new(Postgres::start_by(route, sandbox).await?))
    }
}

#[async_trait]
impl RunningBackend for Postgres {
    fn info(&self) -> &BackendInfo {
        &self.inner.info
    }

    async fn alive(&self) -> Result<(), BackendError> {
        let client = self.admin().await?;
        match execute(&client, "SELECT 1").await {
            Ok(()) => Ok(()),
            Err(cause) => Err(self.inner.trouble(cause).await),
        }
    }

    /// Drops what is left of the run's databases and ends the server, if it is the suite's own.
    async fn stop(&self) {
        if !self.inner.handle.is_disposable() {
            let mine = |name: &str| name.starts_with(&self.inner.prefix);
            // No caller waits for an error here, and the next run sweeps what stays.
            let _ = self.drop_where(mine, true).await;
        }
        self.inner.handle.stop().await;
    }
}

impl BackendHandle for Postgres {
    const NAME: &'static str = POSTGRES.name;
}

/// The PostgreSQL server of a run. Clones are the same server.
#[derive(Clone)]
pub struct Postgres {
    inner: Arc<Inner>,
}

struct Inner {
    info: BackendInfo,
    endpoint: Endpoint,
    handle: Box<dyn ServerHandle>,
    /// For statements whose result is awaited.
    admin: Admin,
    /// Databases that are not needed any more, to be dropped in the background.
    leftover: mpsc::UnboundedSender<String>,
    prefix: String,
    made: AtomicU64,
}

impl Postgres {
    /// Starts a server, or reaches the one that runs already, and waits until it answers.
    pub async fn start(choice: Choice, sandbox: &Sandbox) -> Result<Self, BackendError> {
        let route = route(&PostgresBackend, choice, &sandbox.host).await?;
        Self::start_by(route, sandbox).await
    }

    async fn start_by(route: Route, sandbox: &Sandbox) -> Result<Self, BackendError> {
        let workspace = || Workspace::of(&POSTGRES, sandbox);
        let started = match route {
            Route::External(url) => external::start(&url).await?,
            Route::Process(program) => process::start(&program, &workspace()?).await?,
            Route::Container(image) => container::start(&image, workspace()?).await?,
        };
        let (leftover, names) = mpsc::unbounded_channel();
        tokio::spawn(drop_all(Admin::new(&started.endpoint.admin), names));
        let postgres = Self {
            inner: Arc::new(Inner {
                admin: Admin::new(&started.endpoint.admin),
                info: started.info,
                endpoint: started.endpoint,
                handle: started.handle,
                leftover,
                prefix: prefix(SystemTime::now(), sandbox.folder.id()),
                made: AtomicU64::new(0),
            }),
        };
        if !postgres.inner.handle.is_disposable() {
            postgres.sweep().await?;
        }
        Ok(postgres)
    }

    /// Where it listens; links lead there.
    pub fn address(&self) -> SocketAddr {
        self.inner.endpoint.address
    }

    /// A database without a table.
    pub async fn create_empty(&self) -> Result<Database, BackendError> {
        self.create(self.inner.endpoint.template).await
    }

    /// A copy of a database, to which there may be no connection meanwhile.
    pub async fn clone_from(&self, template: &Database) -> Result<Database, BackendError> {
        self.create(template.name()).await
    }

    /// A client on the maintenance database, with the suite's own rights.
    pub async fn admin(&self) -> Result<Client, BackendError> {
        self.inner.client(&self.inner.endpoint.admin).await
    }

    /// A client on a database, past every link, with the suite's own rights: a superuser, unless
    /// the server is external. Its `application_name` is `conformance`.
    pub async fn connect(&self, database: &Database) -> Result<Client, BackendError> {
        let mut config = self.inner.endpoint.admin.clone();
        config.dbname(database.name());
        self.inner.client(&config).await
    }

    async fn create(&self, template: &str) -> Result<Database, BackendError> {
        let inner = &self.inner;
        let number = inner.made.fetch_add(1, Ordering::Relaxed) + 1;
        let name = format!("{}{number}", inner.prefix);
        let owner = inner.endpoint.owner.as_ref();
        let owner = owner
            .map(|it| format!(" OWNER \"{it}\""))
            .unwrap_or_default();
        // Without fsync it takes half as long as by the log, the default.
        let strategy = if inner.endpoint.major >= 15 {
            " STRATEGY file_copy"
        } else {
            ""
        };
        let statement =
            format!("CREATE DATABASE \"{name}\" TEMPLATE \"{template}\"{owner}{strategy}");
        if let Err(cause) = inner.admin.execute(&statement).await {
            return Err(inner.trouble(cause).await);
        }
        Ok(Database {
            inner: Arc::new(DatabaseInner {
                name,
                server: self.clone(),
                dropped: AtomicBool::new(false),
            }),
        })
    }

    /// Drops what runs left that ended long ago without doing so.
    async fn sweep(&self) -> Result<(), BackendError> {
        let now = SystemTime::now();
        self.drop_where(|name| is_stale(name, now), false).await
    }

    async fn drop_where(
        &self,
        chosen: impl Fn(&str) -> bool,
        force: bool,
    ) -> Result<(), BackendError> {
        let client = self.admin().await?;
        // Those in use are not swept, but a run's own are.
        let names = "SELECT datname FROM pg_database WHERE datname LIKE 'conformance\\_%' AND \
                     ($1 OR datname NOT IN (SELECT datname FROM pg_stat_activity WHERE datname IS NOT NULL))";
        let rows = client.query(names, &[&force]).await;
        let rows = match rows {
            Ok(rows) => rows,
            Err(error) => return Err(self.inner.trouble(chain(&error)).await),
        };
        for name in rows
            .iter()
            .map(|row| row.get::<_, String>(0))
            .filter(|it| chosen(it))
        {
            // Another run may be sweeping at the same time.
            let _ = execute(&client, &drop_statement(&name)).await;
        }
        Ok(())
    }
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres")
            .field("info", &self.inner.info)
            .field("address", &self.address())
            .finish_non_exhaustive()
    }
}

impl Inner {
    async fn client(&self, config: &Config) -> Result<Client, BackendError> {
        match connect(config).await {
            Ok(client) => Ok(client),
            Err(cause) => Err(self.trouble(cause).await),
        }
    }

    /// The server's end, if that is what lies behind `cause`.
    async fn trouble(&self, cause: String) -> BackendError {
        self.handle.end().await.unwrap_or_else(|| {
            let address = self.endpoint.address;
            let advice =
                format!("look at the server at {address}, and at its connections and disk");
            BackendError::broken(&POSTGRES, cause, advice)
        })
    }
}

/// A database of the run. Clones are the same one; when the last is gone it is dropped in the
/// background, with every connection to it.
#[derive(Clone)]
pub struct Database {
    inner: Arc<DatabaseInner>,
}

struct DatabaseInner {
    name: String,
    server: Postgres,
    dropped: AtomicBool,
}

impl Database {
    /// Its name on the server.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Its `DATABASE_URL` for a subject, by way of a link's address.
    pub fn url(&self, via: SocketAddr) -> String {
        self.inner
            .server
            .inner
            .endpoint
            .subject
            .url(via, self.name())
    }

    /// The subject's password, which must show up nowhere; a server outside may need none.
    pub fn password(&self) -> Option<&str> {
        self.inner.server.inner.endpoint.subject.password.as_deref()
    }

    /// Drops it at once, with every connection to it.
    pub async fn drop_now(&self) {
        self.inner.dropped.store(true, Ordering::Relaxed);
        // What cannot be dropped now goes with the server, or in the next sweep.
        let _ = self
            .inner
            .server
            .inner
            .admin
            .execute(&drop_statement(self.name()))
            .await;
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Database").field(&self.inner.name).finish()
    }
}

impl Drop for DatabaseInner {
    fn drop(&mut self) {
        if !self.dropped.load(Ordering::Relaxed) {
            // The receiver is gone once the runtime has ended; then the run's end drops it.
            let _ = self
                .server
                .inner
                .leftover
                .send(std::mem::take(&mut self.name));
        }
    }
}

async fn drop_all(admin: Admin, mut names: mpsc::UnboundedReceiver<String>) {
    while let Some(name) = names.recv().await {
        // What cannot be dropped now goes with the server, or in the next sweep.
        let _ = admin.execute(&drop_statement(&name)).await;
    }
}

fn drop_statement(name: &str) -> String {
    format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)")
}
