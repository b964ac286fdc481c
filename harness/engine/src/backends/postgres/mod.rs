//! PostgreSQL: one server for the run, with a database for each deployment.
//!
//! - `server`: the trait and result of every provider
//! - `client`: the suite's connections
//! - `names`: database names that contain run and time, to remove stale databases
//! - `account`: the system user that runs the server
//! - `managed`: settings and roles of servers that the suite starts
//! - `process`: a server as a process of this machine
//! - `container`: a server in a container
//! - `external`: a server that `CONFORMANCE_POSTGRES_URL` names

mod account;
mod client;
mod container;
mod external;
mod managed;
mod names;
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

use client::{AdminClient, connect, execute};
use names::{is_stale, name_prefix};
use server::{Endpoint, POSTGRES, ServerHandle};

use crate::backends::backend::{Backend, BackendHandle, Route, RunningBackend, choose_route};
use crate::backends::programs::Program;
use crate::backends::provider::{BackendError, BackendInfo, Choice, Description, error_chain};
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

    fn find_program(&self, host: &Host) -> Result<Program, BackendError> {
        process::find_program(host)
    }

    async fn examine(&self, url: &str) -> Result<BackendInfo, BackendError> {
        external::start(url).await.map(|started| started.info)
    }

    async fn start(
        &self,
        route: Route,
        sandbox: &Sandbox,
    ) -> Result<Arc<dyn RunningBackend>, BackendError> {
        Ok(Arc::new(Postgres::start_via(route, sandbox).await?))
    }
}

#[async_trait]
impl RunningBackend for Postgres {
    fn info(&self) -> &BackendInfo {
        &self.inner.info
    }

    async fn check_alive(&self) -> Result<(), BackendError> {
        let client = self.admin().await?;
        match execute(&client, "SELECT 1").await {
            Ok(()) => Ok(()),
            Err(cause) => Err(self.inner.diagnose(cause).await),
        }
    }

    /// Drops the run's databases on an external server, and stops a server that the suite started.
    async fn stop(&self) {
        if !self.inner.handle.is_disposable() {
            let is_own = |name: &str| name.starts_with(&self.inner.prefix);
            // An error is ignored: the next run removes remaining databases.
            let _ = self.drop_where(is_own, true).await;
        }
        self.inner.handle.stop().await;
    }
}

impl BackendHandle for Postgres {
    const NAME: &'static str = POSTGRES.name;
}

/// The PostgreSQL server of a run. Clones share the server.
#[derive(Clone)]
pub struct Postgres {
    inner: Arc<Inner>,
}

struct Inner {
    info: BackendInfo,
    endpoint: Endpoint,
    handle: Box<dyn ServerHandle>,
    /// Executes statements whose result is awaited.
    admin: AdminClient,
    /// Names of unused databases, to be dropped in the background.
    to_drop: mpsc::UnboundedSender<String>,
    /// Prefix of the names of this run's databases.
    prefix: String,
    /// Number of databases created so far.
    created: AtomicU64,
}

impl Postgres {
    /// Starts a server, or connects to the external one, and waits until it answers.
    pub async fn start(choice: Choice, sandbox: &Sandbox) -> Result<Self, BackendError> {
        let route = choose_route(&PostgresBackend, choice, &sandbox.host).await?;
        Self::start_via(route, sandbox).await
    }

    async fn start_via(route: Route, sandbox: &Sandbox) -> Result<Self, BackendError> {
        let workspace = || Workspace::create(&POSTGRES, sandbox);
        let started = match route {
            Route::External(url) => external::start(&url).await?,
            Route::Process(program) => process::start(&program, &workspace()?).await?,
            Route::Container(image) => container::start(&image, workspace()?).await?,
        };
        let (to_drop, names) = mpsc::unbounded_channel();
        tokio::spawn(drop_databases(
            AdminClient::new(&started.endpoint.admin),
            names,
        ));
        let postgres = Self {
            inner: Arc::new(Inner {
                admin: AdminClient::new(&started.endpoint.admin),
                info: started.info,
                endpoint: started.endpoint,
                handle: started.handle,
                to_drop,
                prefix: name_prefix(SystemTime::now(), sandbox.folder.id()),
                created: AtomicU64::new(0),
            }),
        };
        if !postgres.inner.handle.is_disposable() {
            postgres.drop_stale().await?;
        }
        Ok(postgres)
    }

    /// The server's address; links forward to it.
    pub fn address(&self) -> SocketAddr {
        self.inner.endpoint.address
    }

    /// Creates an empty database.
    pub async fn create_empty(&self) -> Result<Database, BackendError> {
        self.create(self.inner.endpoint.template).await
    }

    /// Creates a copy of a database, to which no connection may be open.
    pub async fn clone_from(&self, template: &Database) -> Result<Database, BackendError> {
        self.create(template.name()).await
    }

    /// Connects to the maintenance database with the suite's role.
    pub async fn admin(&self) -> Result<Client, BackendError> {
        self.inner.connect(&self.inner.endpoint.admin).await
    }

    /// Connects to a database directly, not through a link, with the suite's role: a superuser, unless the
    /// server is external. The `application_name` is `conformance`.
    pub async fn connect(&self, database: &Database) -> Result<Client, BackendError> {
        let mut config = self.inner.endpoint.admin.clone();
        config.dbname(database.name());
        self.inner.connect(&config).await
    }

    async fn create(&self, template: &str) -> Result<Database, BackendError> {
        let inner = &self.inner;
        let number = inner.created.fetch_add(1, Ordering::Relaxed) + 1;
        let name = format!("{}{number}", inner.prefix);
        let owner = inner.endpoint.owner.as_ref();
        let owner = owner
            .map(|it| format!(" OWNER \"{it}\""))
            .unwrap_or_default();
        // Without fsync this takes half as long as the default, `wal_log`.
        let strategy = if inner.endpoint.major >= 15 {
            " STRATEGY file_copy"
        } else {
            ""
        };
        let statement =
            format!("CREATE DATABASE \"{name}\" TEMPLATE \"{template}\"{owner}{strategy}");
        if let Err(cause) = inner.admin.execute(&statement).await {
            return Err(inner.diagnose(cause).await);
        }
        Ok(Database {
            inner: Arc::new(DatabaseInner {
                name,
                server: self.clone(),
                dropped: AtomicBool::new(false),
            }),
        })
    }

    /// Drops databases of runs that ended long ago without dropping them.
    async fn drop_stale(&self) -> Result<(), BackendError> {
        let now = SystemTime::now();
        self.drop_where(|name| is_stale(name, now), false).await
    }

    /// Drops the suite's databases whose name fulfils a condition; those with open connections only with `force`.
    async fn drop_where(
        &self,
        condition: impl Fn(&str) -> bool,
        force: bool,
    ) -> Result<(), BackendError> {
        let client = self.admin().await?;

        let names = "SELECT datname FROM pg_database WHERE datname LIKE 'conformance\\_%' AND \
                     ($1 OR datname NOT IN (SELECT datname FROM pg_stat_activity WHERE datname IS NOT NULL))";
        let rows = client.query(names, &[&force]).await;
        let rows = match rows {
            Ok(rows) => rows,
            Err(error) => return Err(self.inner.diagnose(error_chain(&error)).await),
        };
        for name in rows
            .iter()
            .map(|row| row.get::<_, String>(0))
            .filter(|name| condition(name))
        {
            // It fails if another run drops the database at the same time.
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
    async fn connect(&self, config: &Config) -> Result<Client, BackendError> {
        match connect(config).await {
            Ok(client) => Ok(client),
            Err(cause) => Err(self.diagnose(cause).await),
        }
    }

    /// The error to report for a failed request: the server's exit, if it has exited, else `cause`.
    async fn diagnose(&self, cause: String) -> BackendError {
        self.handle.exit_error().await.unwrap_or_else(|| {
            let address = self.endpoint.address;
            let advice =
                format!("check the server at {address}, its connections and its free disk space");
            BackendError::broken(&POSTGRES, cause, advice)
        })
    }
}

/// A database of the run. Clones refer to the same database; dropping the last one drops the database in
/// the background and ends all connections to it.
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
    /// The database's name on the server.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// The `DATABASE_URL` for a subject that connects through the link at `via`.
    pub fn url(&self, via: SocketAddr) -> String {
        self.inner
            .server
            .inner
            .endpoint
            .subject
            .url(via, self.name())
    }

    /// The subject's password, which must not appear in any output; `None` if an external server needs none.
    pub fn password(&self) -> Option<&str> {
        self.inner.server.inner.endpoint.subject.password.as_deref()
    }

    /// Drops the database and ends all connections to it, before this returns.
    pub async fn drop_now(&self) {
        self.inner.dropped.store(true, Ordering::Relaxed);
        // If this fails, the database is removed with the server, or by the next run.
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
            // It fails once the runtime has ended; then the database is dropped at the end of the run.
            let _ = self
                .server
                .inner
                .to_drop
                .send(std::mem::take(&mut self.name));
        }
    }
}

/// Drops the databases whose names it receives.
async fn drop_databases(admin: AdminClient, mut names: mpsc::UnboundedReceiver<String>) {
    while let Some(name) = names.recv().await {
        // If this fails, the database is removed with the server, or by the next run.
        let _ = admin.execute(&drop_statement(&name)).await;
    }
}

fn drop_statement(name: &str) -> String {
    format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)")
}
