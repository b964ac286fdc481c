//! A PostgreSQL server of the suite's own, from the programs of this machine.
//!
//! It is quick rather than durable, and meant to show what a deployment's server would show:
//! passwords are checked, the subject is no superuser, text is ordered by a natural language and
//! the time zone is not UTC. An implementation that says what it means (`COLLATE "C"`,
//! `timestamptz`) sees none of it.

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use nix::sys::signal::Signal;
use nix::sys::statvfs::statvfs;
use tokio_postgres::Config;

use super::account::Account;
use super::postgres::{Endpoint, Keeper, Login, Started};
use super::postgres_client::{connect, own_config, version};
use super::programs::{Program, Wanted};
use super::provider::{Backend, BackendError, BackendInfo, ProviderKind, chain};
use super::server::{Place, Server, random_password};
use super::surroundings::Surroundings;
use crate::subject::ports::Port;

const WANTED: Wanted = Wanted {
    backend: Backend::Postgres,
    names: &["postgres"],
    mark: "(PostgreSQL) ",
    // DROP DATABASE ... WITH (FORCE).
    least: LEAST,
    companions: &["initdb"],
};

/// The oldest major version that will do.
pub(super) const LEAST: u32 = 13;

/// The suite's own role, a superuser.
const ADMIN: &str = "conformance";

/// The subject's role.
const SUBJECT: &str = "subject";

/// What databases are made from; nobody connects to it once it is prepared.
const TEMPLATE: &str = "template1";

/// Any zone but UTC will do, best one with an odd offset; initdb ignores it where it is unknown.
const TIME_ZONE: &str = "Asia/Kathmandu";

/// A server on a port that somebody else took meanwhile is started again on another.
const ATTEMPTS: usize = 3;

/// What makes the server quick; nothing of it outlives the run.
const SETTINGS: &[&str] = &[
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=400",
    "shared_buffers=128MB",
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "max_wal_size=4GB",
    "checkpoint_timeout=1h",
    // Its workers would sit in a database that is about to be cloned.
    "autovacuum=off",
    "jit=off",
    // A file in the data folder, which goes with it, not one in /dev/shm, which would stay.
    "dynamic_shared_memory_type=mmap",
    "log_checkpoints=off",
];

/// The server's program, with `initdb` beside it.
pub(super) fn find(surroundings: &Surroundings) -> Result<Program, BackendError> {
    WANTED.find(surroundings)
}

/// Makes a cluster, starts its server and waits until it answers.
pub(super) async fn start(program: &Program, place: &Place) -> Result<Started, BackendError> {
    let account = Account::choose()?;
    account.own(&place.folder)?;
    let password = random_password();
    let data = initialize(program, place, &account, &password).await?;
    let (server, port) = launch(program, place, &account, &data, &password).await?;
    let address = ([127, 0, 0, 1], port.number()).into();
    let mut admin = own_config(address);
    admin.user(ADMIN).password(&password);
    let subject = Login {
        user: SUBJECT.to_owned(),
        password: Some(random_password()),
        parameters: String::new(),
    };
    let version = prepare(&admin, &subject)
        .await
        .map_err(|cause| server.broken(cause))?;
    Ok(Started {
        info: BackendInfo {
            provider: ProviderKind::Process,
            version,
        },
        endpoint: Endpoint {
            address,
            admin,
            subject,
            template: TEMPLATE,
            owner: Some(SUBJECT.to_owned()),
            major: program.major(),
        },
        keeper: Box::new(Process {
            server,
            data,
            _port: port,
        }),
    })
}

/// Makes the subject's role. Whatever the suite itself puts into a database, a view in the place of
/// a table, the subject may use.
async fn prepare(admin: &Config, subject: &Login) -> Result<String, String> {
    let mut config = admin.clone();
    let client = connect(config.dbname(TEMPLATE)).await?;
    let password = subject.password.as_deref().unwrap_or_default();
    let mut batch = format!("CREATE ROLE {SUBJECT} LOGIN PASSWORD '{password}'");
    for kind in ["TABLES", "SEQUENCES", "FUNCTIONS", "TYPES", "SCHEMAS"] {
        batch = format!("{batch}; ALTER DEFAULT PRIVILEGES GRANT ALL ON {kind} TO {SUBJECT}");
    }
    client
        .batch_execute(&batch)
        .await
        .map_err(|error| chain(&error))?;
    version(&client).await
}

struct Process {
    server: Server,
    data: PathBuf,
    /// Taken as long as the server may listen there.
    _port: Port,
}

#[async_trait]
impl Keeper for Process {
    async fn end(&self) -> Option<BackendError> {
        self.server.end_soon().await
    }

    fn is_disposable(&self) -> bool {
        true
    }

    async fn stop(&self) {
        // An immediate shutdown: nothing of the data is needed any more.
        self.server.stop(Signal::SIGQUIT).await;
        // The log stays until the run's folder goes.
        let _ = tokio::fs::remove_dir_all(&self.data).await;
    }
}

/// Where the databases lie: in memory if there is plenty, since copying one on a busy disk takes
/// ten times as long; else in the place itself.
fn data_folder(place: &Place) -> PathBuf {
    let on_disk = place.folder.join("data");
    let name = place.run_folder.file_name().unwrap_or_default();
    let in_memory = Path::new(MEMORY).join(name);
    let is_roomy = |free: u64| free >= ROOM;
    if !free_in(Path::new(MEMORY)).is_some_and(is_roomy)
        || !available_memory().is_some_and(is_roomy)
    {
        return on_disk;
    }
    place.watchdog.folder(&in_memory);
    let made = std::fs::DirBuilder::new().mode(0o700).create(&in_memory);
    if made.is_ok() { in_memory } else { on_disk }
}

/// Where Linux keeps files in memory.
const MEMORY: &str = "/dev/shm";

/// Far more than the server and the databases of scenarios that run side by side ever take.
const ROOM: u64 = 2 << 30;

fn free_in(folder: &Path) -> Option<u64> {
    let state = statvfs(folder).ok()?;
    state.blocks_available().checked_mul(state.fragment_size())
}

fn available_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text
        .lines()
        .find_map(|it| it.strip_prefix("MemAvailable:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    kilobytes.checked_mul(1024)
}

async fn initialize(
    program: &Program,
    place: &Place,
    account: &Account,
    password: &str,
) -> Result<PathBuf, BackendError> {
    let data = data_folder(place);
    account.own(&data)?;
    let secret = place.folder.join("password");
    account.write(&secret, password)?;
    let locales = locales(program.major());
    for (attempt, locale) in locales.iter().enumerate() {
        let mut command = place.command(&program.path.with_file_name("initdb"));
        command
            .args([
                "-U",
                ADMIN,
                "-A",
                "scram-sha-256",
                "-E",
                "UTF8",
                "--no-sync",
            ])
            .args([Path::new("-D"), &data, Path::new("--pwfile"), &secret])
            .args(*locale)
            .env("TZ", TIME_ZONE);
        if program.major() >= 14 {
            command.arg("--no-instructions");
        }
        account.become_in(&mut command);
        let log = place.folder.join(format!("initdb-{attempt}.log"));
        let initdb = Server::start(Backend::Postgres, command, &log, &place.watchdog)?;
        let status = initdb.finished().await?;
        if status.success() {
            break;
        }
        if attempt + 1 == locales.len() || !blames_locale(&log) {
            let folder = place.folder.display();
            let cause = format!("initdb failed ({status}) in {folder}, run as {account}");
            return Err(initdb.broken(cause));
        }
    }
    // It was for initdb alone, and goes with the folder if it cannot be removed.
    let _ = std::fs::remove_file(&secret);
    Ok(data)
}

/// Best a collation that is not the order of code points, since a deployment's database has one.
fn locales(major: u32) -> &'static [&'static [&'static str]] {
    const ALL: &[&[&str]] = &[
        &["--locale=C", "--locale-provider=icu", "--icu-locale=en-US"],
        &["--locale=en_US.UTF-8"],
        &["--locale=C.UTF-8"],
        &["--locale=C"],
    ];
    if major >= 15 { ALL } else { &ALL[1..] }
}

/// Whether initdb would succeed with another locale.
fn blames_locale(log: &Path) -> bool {
    let said = std::fs::read(log).unwrap_or_default();
    String::from_utf8_lossy(&said).lines().any(|line| {
        let line = line.to_ascii_lowercase();
        line.contains("error:") && (line.contains("locale") || line.contains("icu"))
    })
}

async fn launch(
    program: &Program,
    place: &Place,
    account: &Account,
    data: &Path,
    password: &str,
) -> Result<(Server, Port), BackendError> {
    let log = place.folder.join("log");
    let mut attempt = 1;
    loop {
        let port = place.port(Backend::Postgres)?;
        let mut command = place.command(&program.path);
        command
            .arg("-D")
            .arg(data)
            .args(["-p", &port.number().to_string()]);
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        account.become_in(&mut command);
        let server = Server::start(Backend::Postgres, command, &log, &place.watchdog)?;
        let mut config = own_config(([127, 0, 0, 1], port.number()).into());
        config.user(ADMIN).password(password);
        let answer = server.ready(|| first_look(config.clone()));
        match answer.await {
            Ok(()) => {
                release_shared_memory(place, data).await;
                return Ok((server, port));
            }
            Err(_) if server.lost_its_port() && attempt < ATTEMPTS => attempt += 1,
            Err(error) => return Err(error),
        }
    }
}

async fn first_look(config: Config) -> Result<(), String> {
    let client = connect(&config).await?;
    client
        .batch_execute("SELECT 1")
        .await
        .map_err(|error| chain(&error))
}

/// Lets the kernel remove the server's System V segment with its last process: after a SIGKILL
/// nobody else would.
async fn release_shared_memory(place: &Place, data: &Path) {
    let lock = std::fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
    let line = lock.lines().nth(6).unwrap_or_default();
    let Some(id) = line.split_whitespace().nth(1) else {
        return;
    };
    let mut command = place.command(Path::new("ipcrm"));
    command.args(["-m", id]);
    // Without `ipcrm` 56 bytes stay after a SIGKILL, and only then.
    let _ = tokio::process::Command::from(command).output().await;
}
