//! Redis servers of the suite's own, one for each lease.
//!
//! A server that comes back is emptied and waits for the next lease, if it is as it was started:
//! it answers, and nobody changed its settings or users. Else another takes its place.

use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use nix::sys::signal::Signal;
use redis::RedisResult;
use redis::aio::MultiplexedConnection;
use tokio_util::task::TaskTracker;

use super::programs::{Program, Wanted};
use super::provider::{Backend, BackendError, BackendInfo, ProviderKind, chain};
use super::redis::{Endpoint, Held, Source, Started};
use super::server::{Place, Server, random_password};
use super::surroundings::Surroundings;
use crate::subject::ports::Port;

const WANTED: Wanted = Wanted {
    backend: Backend::Redis,
    names: &["redis-server", "valkey-server"],
    mark: " v=",
    least: LEAST,
    companions: &[],
};

/// The oldest major version that will do.
pub(super) const LEAST: u32 = 6;

/// A server on a port that somebody else took meanwhile is started again on another.
const ATTEMPTS: usize = 3;

/// A server that takes longer to be emptied is frozen, or busy with what a scenario left: another is as quick.
const EMPTY_LIMIT: Duration = Duration::from_secs(1);

/// The program of the servers.
pub(super) fn find(surroundings: &Surroundings) -> Result<Program, BackendError> {
    WANTED.find(surroundings)
}

/// Starts the first server, which waits for the first lease.
pub(super) async fn start(program: Program, place: Place) -> Result<Started, BackendError> {
    let pool = Arc::new(Pool {
        program,
        place,
        spare: Mutex::new(Some(Vec::new())),
        made: AtomicU64::new(0),
        returning: TaskTracker::new(),
    });
    let first = pool.launch().await?;
    let version = first.endpoint.version().await;
    let version = version.map_err(|cause| first.server.broken(cause))?;
    pool.keep(first);
    Ok(Started {
        info: BackendInfo {
            provider: ProviderKind::Process,
            version,
        },
        source: Arc::new(pool),
    })
}

struct Pool {
    program: Program,
    place: Place,
    /// Empty servers that nobody uses; none any more once the pool was stopped.
    spare: Mutex<Option<Vec<Running>>>,
    made: AtomicU64,
    /// Servers that are being emptied.
    returning: TaskTracker,
}

/// A server, and how it was when it was started.
struct Running {
    server: Server,
    endpoint: Endpoint,
    settings: Fingerprint,
    /// Taken as long as the server may listen there.
    _port: Port,
}

/// Settings and users of a server.
type Fingerprint = (BTreeMap<String, String>, Vec<String>);

#[async_trait]
impl Source for Arc<Pool> {
    async fn take(&self) -> Result<Box<dyn Held>, BackendError> {
        let stopped = || {
            let advice = "this is a fault of the suite";
            BackendError::broken(Backend::Redis, "the run's Redis was stopped before", advice)
        };
        let spare = |pool: &Pool| pool.lock().as_mut().map(Vec::pop).ok_or_else(stopped);
        let running = loop {
            match spare(self)? {
                // It may have been killed while nobody used it.
                Some(running) if running.server.exit().is_some() => {}
                Some(running) => break running,
                None => break self.launch().await?,
            }
        };
        Ok(Box::new(Lease {
            running,
            pool: self.clone(),
        }))
    }

    async fn alive(&self) -> Result<(), BackendError> {
        // A lease's own server is the lease's business; here it is enough that there can be one.
        drop(self.take().await?);
        Ok(())
    }

    async fn stop(&self) {
        let spare = self.lock().take();
        self.returning.close();
        self.returning.wait().await;
        let ends = spare
            .iter()
            .flatten()
            .map(|it| it.server.stop(Signal::SIGKILL));
        futures::future::join_all(ends).await;
    }
}

impl Pool {
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Vec<Running>>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An empty server for the next lease; once the pool was stopped it ends instead.
    fn keep(&self, running: Running) {
        if let Some(spare) = self.lock().as_mut() {
            spare.push(running);
        }
    }

    fn command(&self, folder: &Path, settings: &Path, port: &Port) -> std::process::Command {
        let mut command = self.place.command(&self.program.path);
        command
            .arg(settings)
            .args(["--port", &port.number().to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no", "--daemonize", "no"])
            .args([Path::new("--dir"), folder]);
        if self.program.major() >= 7 {
            // A title would overwrite the environment, by which the watchdog knows the run's processes.
            command.args(["--set-proc-title", "no"]);
        }
        command
    }

    async fn launch(&self) -> Result<Running, BackendError> {
        let mut attempt = 1;
        loop {
            let number = self.made.fetch_add(1, Ordering::Relaxed) + 1;
            let folder = self.place.folder.join(number.to_string());
            let password = random_password();
            let settings = prepare(&folder, &password).map_err(|error| {
                let cause = format!("{} cannot be prepared: {error}", folder.display());
                BackendError::broken(
                    Backend::Redis,
                    cause,
                    "set TMPDIR to a folder with room for it",
                )
            })?;
            let port = self.place.port(Backend::Redis)?;
            let command = self.command(&folder, &settings, &port);
            let log = folder.join("log");
            let server = Server::start(Backend::Redis, command, &log, &self.place.watchdog)?;
            let endpoint = Endpoint {
                address: ([127, 0, 0, 1], port.number()).into(),
                user: None,
                password: Some(password),
                database: 0,
            };
            let answer = server.ready(|| first_look(endpoint.clone()));
            match answer.await {
                Ok(settings) => {
                    return Ok(Running {
                        server,
                        endpoint,
                        settings,
                        _port: port,
                    });
                }
                Err(_) if server.lost_its_port() && attempt < ATTEMPTS => attempt += 1,
                Err(error) => return Err(error),
            }
        }
    }
}

/// A folder with the settings that are nobody else's business: arguments are seen by all users.
fn prepare(folder: &Path, password: &str) -> std::io::Result<std::path::PathBuf> {
    std::fs::create_dir(folder)?;
    let path = folder.join("redis.conf");
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)?;
    writeln!(file, "requirepass {password}")?;
    Ok(path)
}

struct Lease {
    running: Running,
    pool: Arc<Pool>,
}

#[async_trait]
impl Held for Lease {
    fn endpoint(&self) -> &Endpoint {
        &self.running.endpoint
    }

    fn pid(&self) -> Option<u32> {
        Some(self.running.server.pid())
    }

    async fn end(&self) -> Option<BackendError> {
        self.running.server.end_soon().await
    }

    fn give_back(self: Box<Self>) {
        let Self { running, pool } = *self;
        // Without a runtime the run is over, and the server ends here.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let tracker = pool.returning.clone();
            tracker.spawn_on(
                async move {
                    let emptied = tokio::time::timeout(EMPTY_LIMIT, empty(&running)).await;
                    if matches!(emptied, Ok(Ok(true))) {
                        pool.keep(running);
                    } else {
                        running.server.stop(Signal::SIGKILL).await;
                    }
                },
                &runtime,
            );
        }
    }
}

/// Removes what a scenario left; tells whether the server is then as it was started.
async fn empty(running: &Running) -> RedisResult<bool> {
    let url = running.endpoint.url(running.endpoint.address);
    let client = redis::Client::open(url)?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    // Unknown to Redis 6: only then there are no functions.
    let functions: RedisResult<()> = redis::cmd("FUNCTION")
        .arg("FLUSH")
        .query_async(&mut connection)
        .await;
    drop(functions);
    for kind in ["normal", "pubsub"] {
        let mut end = redis::cmd("CLIENT");
        end.arg("KILL")
            .arg("TYPE")
            .arg(kind)
            .exec_async(&mut connection)
            .await?;
    }
    redis::cmd("CLIENT")
        .arg("UNPAUSE")
        .exec_async(&mut connection)
        .await
        .or_else(unknown)?;
    redis::cmd("SCRIPT")
        .arg("FLUSH")
        .exec_async(&mut connection)
        .await?;
    redis::cmd("FLUSHALL").exec_async(&mut connection).await?;
    Ok(fingerprint(&mut connection).await? == running.settings)
}

/// An older server does not know the command, and has nothing that it would undo.
fn unknown(error: redis::RedisError) -> RedisResult<()> {
    if error.code() == Some("ERR") {
        Ok(())
    } else {
        Err(error)
    }
}

async fn first_look(endpoint: Endpoint) -> Result<Fingerprint, String> {
    let mut connection = endpoint.connect().await?;
    fingerprint(&mut connection)
        .await
        .map_err(|error| chain(&error))
}

async fn fingerprint(connection: &mut MultiplexedConnection) -> RedisResult<Fingerprint> {
    let settings = redis::cmd("CONFIG")
        .arg("GET")
        .arg("*")
        .query_async(connection)
        .await?;
    let users = redis::cmd("ACL")
        .arg("LIST")
        .query_async(connection)
        .await?;
    Ok((settings, users))
}
