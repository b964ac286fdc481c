//! A PostgreSQL server as a process of this machine.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use nix::sys::signal::Signal;

use super::account::Account;
use super::managed::{ADMIN_ROLE, SETTINGS, TIME_ZONE, admin_config, prepare, probe};
use super::server::{MIN_VERSION, POSTGRES, ServerHandle, StartedBackend};

use crate::backends::programs::{Program, ProgramQuery};
use crate::backends::provider::{BackendError, BackendInfo, ProviderKind};
use crate::backends::server::{
    ManagedServer as _, POLL_INTERVAL, Server, Workspace, random_password, wait_until_ready,
};
use crate::sandbox::exhaustion::{SHM_FOLDER, free_space, with_free_space};
use crate::sandbox::host::Host;

const QUERY: ProgramQuery = ProgramQuery {
    backend: &POSTGRES,
    names: &["postgres"],
    version_prefix: "(PostgreSQL) ",
    min_version: MIN_VERSION,
    companions: &["initdb"],
};

/// How often the server is started, each time on another port, if another program takes the port first.
const MAX_ATTEMPTS: usize = 3;

/// Settings that make the server listen on 127.0.0.1 only, without a Unix socket.
const LISTEN_SETTINGS: &[&str] = &["listen_addresses=127.0.0.1", "unix_socket_directories="];

/// Finds the server program, which must have `initdb` in the same folder.
pub(super) fn find_program(host: &Host) -> Result<Program, BackendError> {
    QUERY.find(host)
}

/// Creates a database cluster, starts its server and waits until it answers.
pub(super) async fn start(
    program: &Program,
    workspace: &Workspace,
) -> Result<StartedBackend, BackendError> {
    let account = Account::choose()?;
    account.chown(&workspace.folder)?;
    let password = random_password();
    let data = initialize(program, workspace, &account, &password).await?;
    let (server, address) = launch(program, workspace, &account, &data, &password).await?;
    let prepared = prepare(address, admin_config(address, &password)).await;
    let (endpoint, version) = prepared.map_err(|cause| server.broken(cause))?;
    Ok(StartedBackend {
        info: BackendInfo {
            provider: ProviderKind::Process,
            version,
        },
        endpoint,
        handle: Box::new(ServerProcess { server, data }),
    })
}

struct ServerProcess {
    server: Server,
    data: PathBuf,
}

#[async_trait]
impl ServerHandle for ServerProcess {
    async fn exit_error(&self) -> Option<BackendError> {
        self.server.exit_error_after_failure().await
    }

    fn is_disposable(&self) -> bool {
        true
    }

    async fn stop(&self) {
        // SIGQUIT is an immediate shutdown: the data is not needed any more.
        self.server.stop_with(Signal::SIGQUIT).await;
        // The log is in the run's folder and is removed with it.
        let folder = match self.data.parent() {
            Some(parent) if parent.starts_with(SHM_FOLDER) => parent,
            _ => &self.data,
        };
        let _ = tokio::fs::remove_dir_all(folder).await;
    }
}

/// Chooses the folder of the databases: in memory if enough is free, because copying a database on a busy
/// disk takes ten times as long; otherwise in the workspace's folder.
fn data_folder(workspace: &Workspace) -> PathBuf {
    let on_disk = workspace.folder.join("data");
    let name = workspace.run_folder.file_name().unwrap_or_default();
    let in_memory = Path::new(SHM_FOLDER).join(name);
    let is_enough = |free: u64| free >= MIN_FREE_MEMORY;
    if !free_space(Path::new(SHM_FOLDER)).is_some_and(is_enough)
        || !available_memory().is_some_and(is_enough)
    {
        return on_disk;
    }
    workspace.watchdog.register_folder(&in_memory);
    if create_shared_folder(workspace, &in_memory).is_ok() {
        in_memory.join("data")
    } else {
        on_disk
    }
}

/// Creates a folder of the run that other users may traverse but not list.
fn create_shared_folder(workspace: &Workspace, folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir(folder)?;
    // The mode is set afterwards, because the umask would narrow it at creation.
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o711))?;
    workspace.watchdog.mark_alive(folder)
}

/// Bytes that must be free for databases in memory: far more than those of all concurrent scenarios.
const MIN_FREE_MEMORY: u64 = 2 << 30;

fn available_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    kilobytes.checked_mul(1024)
}

/// Creates the database cluster with `initdb`; returns its folder.
async fn initialize(
    program: &Program,
    workspace: &Workspace,
    account: &Account,
    password: &str,
) -> Result<PathBuf, BackendError> {
    let data = data_folder(workspace);
    account.create_folder(&data)?;
    let secret = workspace.folder.join("password");
    account.write_file(&secret, password)?;
    let locales = locales(program.major());
    for (attempt, locale) in locales.iter().enumerate() {
        let mut command = workspace.command(&program.path.with_file_name("initdb"));
        command
            .args([
                "-U",
                ADMIN_ROLE,
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
        account.apply_to(&mut command);
        let log = workspace.folder.join(format!("initdb-{attempt}.log"));
        let initdb = Server::start(&POSTGRES, command, &log, &workspace.watchdog)
            .map_err(|error| account.explain(error, &[&data, &workspace.folder, &program.path]))?;
        let status = initdb.wait_until_exit().await?;
        if status.success() {
            break;
        }
        if attempt + 1 == locales.len() || !blames_locale(&log) {
            let folder = data.display();
            let mut cause = format!("initdb failed ({status}) in {folder}, run as {account}");
            // The error that `broken` returns states the free space of the workspace's folder itself.
            if let Some(in_memory) = data.parent().filter(|parent| *parent != workspace.folder) {
                cause = with_free_space(cause, in_memory);
            }
            return Err(account.explain(initdb.broken(cause), &[&data, &workspace.folder]));
        }
    }
    // Only initdb needs the file. If this fails, it is removed with the run's folder.
    let _ = std::fs::remove_file(&secret);
    Ok(data)
}

/// Locale options of `initdb`, to be tried in order. The first ones have a collation other than the order of code
/// points, as production databases usually do.
fn locales(major: u32) -> &'static [&'static [&'static str]] {
    const ALL: &[&[&str]] = &[
        &["--locale=C", "--locale-provider=icu", "--icu-locale=en-US"],
        &["--locale=en_US.UTF-8"],
        &["--locale=C.UTF-8"],
        &["--locale=C"],
    ];
    if major >= 15 { ALL } else { &ALL[1..] }
}

/// Whether initdb failed because of its locale.
fn blames_locale(log: &Path) -> bool {
    let text = std::fs::read(log).unwrap_or_default();
    String::from_utf8_lossy(&text).lines().any(|line| {
        let line = line.to_ascii_lowercase();
        line.contains("error:") && (line.contains("locale") || line.contains("icu"))
    })
}

/// Starts the server and waits until it answers.
async fn launch(
    program: &Program,
    workspace: &Workspace,
    account: &Account,
    data: &Path,
    password: &str,
) -> Result<(Server, SocketAddr), BackendError> {
    let log = workspace.folder.join("log");
    let mut attempt = 1;
    loop {
        let port = workspace.port(&POSTGRES)?;
        let mut command = workspace.command(&program.path);
        command
            .arg("-D")
            .arg(data)
            .args(["-p", &port.number().to_string()]);
        for setting in LISTEN_SETTINGS.iter().chain(SETTINGS) {
            command.args(["-c", setting]);
        }
        account.apply_to(&mut command);
        let server = Server::start(&POSTGRES, command, &log, &workspace.watchdog)
            .map_err(|error| account.explain(error, &[data, &workspace.folder]))?;
        let address = ([127, 0, 0, 1], port.number()).into();
        let config = admin_config(address, password);
        match wait_until_ready(&server, POLL_INTERVAL, || probe(config.clone())).await {
            Ok(()) => {
                release_shared_memory(workspace, data).await;
                return Ok((server.with_ports([port]), address));
            }
            Err(_) if server.failed_to_bind() && attempt < MAX_ATTEMPTS => attempt += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Marks the server's System V segment for removal, so that the kernel frees it with the last process. Otherwise
/// it would remain after a SIGKILL.
async fn release_shared_memory(workspace: &Workspace, data: &Path) {
    let lock = std::fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
    let line = lock.lines().nth(6).unwrap_or_default();
    let Some(id) = line.split_whitespace().nth(1) else {
        return;
    };
    let mut command = workspace.command(Path::new("ipcrm"));
    command.args(["-m", id]);
    // If `ipcrm` is not installed, 56 bytes remain after a SIGKILL.
    let _ = tokio::process::Command::from(command).output().await;
}
