//! How the program is started: its command, its environment, its turn.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use conformance_engine::backends::postgres::Database;
use conformance_engine::failure::{Failure, StepResult};
use conformance_engine::manifest::ComponentSource;
use conformance_engine::subject::instance::{Exit, Instance, Launch};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;

use super::START_LIMIT;
use crate::component::Component;
use crate::site::Site;

/// How long a command keeps its turn: one that only waits leaves the core to others.
const COMMAND_START: Duration = Duration::from_secs(2);

/// Holds a turn until the program listens, has ended, or is late.
pub async fn hold_until_started(turn: OwnedSemaphorePermit, pid: u32, port: Option<u16>) {
    let process = PathBuf::from(format!("/proc/{pid}"));
    let limit = if port.is_some() {
        START_LIMIT
    } else {
        COMMAND_START
    };
    let mut looks = tokio::time::interval(Duration::from_millis(10));
    let begun = tokio::time::Instant::now();
    while begun.elapsed() < limit && process.exists() {
        looks.tick().await;
        if let Some(port) = port
            && TcpStream::connect(("127.0.0.1", port)).await.is_ok()
        {
            break;
        }
    }
    drop(turn);
}

/// Runs `migrate` on a database, straight, and expects it to succeed.
pub async fn migrate(site: &Site, database: &Database) -> StepResult {
    let limit = site.patience.stretch(Duration::from_secs(30));
    let postgres = site.postgres().await?;
    let mut environment = base_environment(site, Component::UserService)?;
    environment.insert("DATABASE_URL".to_owned(), database.url(postgres.address()));
    let launch = launch(
        site,
        Component::UserService,
        "user-service migrate",
        &["migrate"],
        environment,
    )?;
    let instance = Instance::start(&launch, &site.home().watchdog)
        .map_err(|error| Failure::mismatch("a program that starts", error))?;
    let ended = tokio::time::timeout(limit, instance.exited()).await;
    let shown = match ended {
        Ok(Exit { code: Some(0), .. }) => return Ok(()),
        Ok(exit) => exit.to_string(),
        Err(_) => format!("still running after {} s", limit.as_secs()),
    };
    let mut failure = Failure::mismatch(
        "`migrate` prepares an empty database and exits 0 (CFG-4)",
        shown,
    );
    for line in instance.output().lines().iter().rev().take(5).rev() {
        failure = failure.detail(format!("log: {}", String::from_utf8_lossy(&line.bytes)));
    }
    Err(failure)
}

/// What every program is started with, before any setting of the contract.
pub(super) fn base_environment(
    site: &Site,
    component: Component,
) -> StepResult<BTreeMap<String, String>> {
    let source = source(site, component)?;
    let mut environment = source.env.clone();
    for name in source
        .inherit
        .iter()
        .map(String::as_str)
        .chain(["PATH", "HOME"])
    {
        if let Ok(value) = std::env::var(name) {
            environment.insert(name.to_owned(), value);
        }
    }
    let folder = site.home().folder.sub("tmp").map_err(Failure::broken)?;
    environment.insert("TMPDIR".to_owned(), folder.to_string_lossy().into_owned());
    environment.insert("LANG".to_owned(), "C.UTF-8".to_owned());
    Ok(environment)
}

/// What the manifest says of a component.
fn source(site: &Site, component: Component) -> StepResult<&ComponentSource> {
    let missing = || Failure::broken(format!("the manifest has no {}", component.name()));
    let components = &site.manifest.components;
    components.get(component.name()).ok_or_else(missing)
}

pub(super) fn launch(
    site: &Site,
    component: Component,
    name: &str,
    args: &[&str],
    env: BTreeMap<String, String>,
) -> StepResult<Launch> {
    let source = source(site, component)?;
    let (program, first) = source
        .command
        .split_first()
        .ok_or_else(|| Failure::broken("the manifest's command is empty"))?;
    // A bare name is looked up in PATH; a path is relative to the manifest.
    let program = if program.contains('/') {
        site.manifest.folder.join(program)
    } else {
        Path::new(program).to_path_buf()
    };
    Ok(Launch {
        name: name.to_owned(),
        program,
        args: first
            .iter()
            .cloned()
            .chain(args.iter().map(|it| (*it).to_owned()))
            .collect(),
        dir: site.manifest.folder.clone(),
        env,
    })
}
