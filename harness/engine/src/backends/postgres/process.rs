//! A PostgreSQL server from the programs of this machine.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use nix::sys::signal::Signal;

use super::account::Account;
use super::own::{ADMIN, SETTINGS, TIME_ZONE, admin_config, first_look, prepare};
use super::server::{LEAST, POSTGRES, ServerHandle, Started};

use crate::backends::programs::{Program, Wanted};
use crate::backends::provider::{BackendError, BackendInfo, ProviderKind};
use crate::backends::server::{OwnServer as _, PAUSE, Server, Workspace, random_password, ready};
use crate::sandbox::host::Host;
use crate::sandbox::ports::Port;
use crate::sandbox::resources::{MEMORY, free_bytes, with_room};

const WANTED: Wanted = Wanted {
    backend: &POSTGRES,
    names: &["postgres"],
    mark: "(PostgreSQL) ",
    least: LEAST,
    companions: &["initdb"],
};

/// Another program may take the port before the server does: then it is started again on another port.
const ATTEMPTS: usize = 3;

/// Where it listens: nowhere but on the port that it is given.
const LISTENING: &[&str] = &["listen_addresses=127.0.0.1", "unix_socket_directories="];

/// The server's program, with `initdb` beside it.
pub(super) fn find(host: &Host) -> Result<Program, BackendError> {
    WANTED.find(host)
}

/// Makes a cluster, starts its server and waits until it answers.
pub(super) async fn start(program: &Program, place: &Workspace) -> Result<Started, BackendError> {
    let account = Account::choose()?;
    account.own(&place.folder)?;
    let password = random_password();
    let data = initialize(program, place, &account, &password).await?;
    let (server, port) = launch(program, place, &account, &data, &password).await?;
    let address = ([127, 0, 0, 1], port.number()).into();
    let prepared = prepare(address, admin_config(address, &password)).await;
    let (endpoint, version) = prepared.map_err(|cause| server.broken(cause))?;
    Ok(Started {
        info: BackendInfo {
            provider: ProviderKind::Process,
            version,
        },
        endpoint,
        handle: Box::new(Process {
            server,
            data,
            _port: port,
        }),
    })
}

struct Process {
    server: Server,
    data: PathBuf,
    /// Taken as long as the server may listen there.
    _port: Port,
}

#[async_trait]
impl ServerHandle for Process {
    async fn end(&self) -> Option<BackendError> {
        self.server.end_soon().await
    }

    fn is_disposable(&self) -> bool {
        true
    }

    async fn stop(&self) {
        // An immediate shutdown: nothing of the data is needed any more.
        self.server.stop_by(Signal::SIGQUIT).await;
        // The log stays until the run's folder goes.
        let folder = match self.data.parent() {
            Some(made) if made.starts_with(MEMORY) => made,
            _ => &self.data,
        };
        let _ = tokio::fs::remove_dir_all(folder).await;
    }
}

/// Where the databases lie: in memory if there is plenty, since copying one on a busy disk takes
/// ten times as long; else in the place itself.
fn data_folder(place: &Workspace) -> PathBuf {
    let on_disk = place.folder.join("data");
    let name = place.run_folder.file_name().unwrap_or_default();
    let in_memory = Path::new(MEMORY).join(name);
    let is_roomy = |free: u64| free >= ROOM;
    if !free_bytes(Path::new(MEMORY)).is_some_and(is_roomy)
        || !available_memory().is_some_and(is_roomy)
    {
        return on_disk;
    }
    place.watchdog.folder(&in_memory);
    if hold(place, &in_memory).is_ok() {
        in_memory.join("data")
    } else {
        on_disk
    }
}

/// Makes a folder of the run that others may pass through.
fn hold(place: &Workspace, folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir(folder)?;
    // Afterwards, for the mode at its making is narrowed by the caller's umask.
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o711))?;
    place.watchdog.mark(folder)
}

/// Far more than the server and the databases of scenarios that run side by side ever take.
const ROOM: u64 = 2 << 30;

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
    place: &Workspace,
    account: &Account,
    password: &str,
) -> Result<PathBuf, BackendError> {
    let data = data_folder(place);
    account.make(&data)?;
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
        let initdb = Server::start(&POSTGRES, command, &log, &place.watchdog)
            .map_err(|error| account.explain(error, &[&data, &place.folder, &program.path]))?;
        let status = initdb.finished().await?;
        if status.success() {
            break;
        }
        if attempt + 1 == locales.len() || !blames_locale(&log) {
            let cause = format!(
                "initdb failed ({status}) in {}, run as {account}",
                data.display()
            );
            let in_memory = data.parent().filter(|it| *it != place.folder);
            let cause = match in_memory {
                Some(folder) => with_room(cause, folder),
                // The server's own error names the room there.
                None => cause,
            };
            let failed = initdb.broken(cause);
            return Err(account.explain(failed, &[&data, &place.folder]));
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
    place: &Workspace,
    account: &Account,
    data: &Path,
    password: &str,
) -> Result<(Server, Port), BackendError> {
    let log = place.folder.join("log");
    let mut attempt = 1;
    loop {
        let port = place.port(&POSTGRES)?;
        let mut command = place.command(&program.path);
        command
            .arg("-D")
            .arg(data)
            .args(["-p", &port.number().to_string()]);
        for setting in LISTENING.iter().chain(SETTINGS) {
            command.args(["-c", setting]);
        }
        account.become_in(&mut command);
        let server = Server::start(&POSTGRES, command, &log, &place.watchdog)
            .map_err(|error| account.explain(error, &[data, &place.folder]))?;
        let config = admin_config(([127, 0, 0, 1], port.number()).into(), password);
        match ready(&server, PAUSE, || first_look(config.clone())).await {
            Ok(()) => {
                release_shared_memory(place, data).await;
                return Ok((server, port));
            }
            Err(_) if server.lost_its_port() && attempt < ATTEMPTS => attempt += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Lets the kernel remove the server's System V segment with its last process: after a SIGKILL
/// it would stay.
async fn release_shared_memory(place: &Workspace, data: &Path) {
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
