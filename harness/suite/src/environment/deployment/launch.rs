//! How the program is started: its command, its environment variables, its start permit.

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
use crate::contract::components::{Component, ResourceKind};
use crate::environment::Environment;

/// How long a command keeps its permit: a command that only waits uses no core.
const COMMAND_START: Duration = Duration::from_secs(2);

/// Holds a start permit until the program listens, has ended, or the start limit has passed.
pub async fn hold_until_started(permit: OwnedSemaphorePermit, pid: u32, port: Option<u16>) {
    let process = PathBuf::from(format!("/proc/{pid}"));
    let limit = if port.is_some() {
        START_LIMIT
    } else {
        COMMAND_START
    };
    let mut polls = tokio::time::interval(Duration::from_millis(10));
    let started = tokio::time::Instant::now();
    while started.elapsed() < limit && process.exists() {
        polls.tick().await;
        if let Some(port) = port
            && TcpStream::connect(("127.0.0.1", port)).await.is_ok()
        {
            break;
        }
    }
    drop(permit);
}

/// Runs `migrate` on a database without a link in between, and expects it to succeed.
pub async fn migrate(
    environment: &Environment,
    component: &'static Component,
    database: &Database,
) -> StepResult {
    let limit = environment.patience.stretch(Duration::from_secs(30));
    let postgres = environment.postgres().await?;
    let mut variables = base_variables(environment, component)?;
    let resources = component.resources.iter();
    for resource in resources.filter(|it| it.kind == ResourceKind::Postgres) {
        let url = database.url(postgres.address());
        variables.insert(resource.variable.to_owned(), url);
    }
    let launch = launch(
        environment,
        component,
        &format!("{} migrate", component.name),
        &["migrate"],
        variables,
    )?;
    let instance = Instance::start(&launch, &environment.home().watchdog)
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

/// The environment variables of every program, before any setting of the contract.
pub(super) fn base_variables(
    environment: &Environment,
    component: &'static Component,
) -> StepResult<BTreeMap<String, String>> {
    let source = source(environment, component)?;
    let mut variables = source.env.clone();
    for name in source
        .inherit
        .iter()
        .map(String::as_str)
        .chain(["PATH", "HOME"])
    {
        if let Ok(value) = std::env::var(name) {
            variables.insert(name.to_owned(), value);
        }
    }
    let folder = environment
        .home()
        .folder
        .sub("tmp")
        .map_err(Failure::broken)?;
    variables.insert("TMPDIR".to_owned(), folder.to_string_lossy().into_owned());
    variables.insert("LANG".to_owned(), "C.UTF-8".to_owned());
    Ok(variables)
}

/// The component's entry in the manifest.
fn source<'a>(
    environment: &'a Environment,
    component: &Component,
) -> StepResult<&'a ComponentSource> {
    let missing = || Failure::broken(format!("the manifest has no {}", component.name));
    let components = &environment.manifest.components;
    components.get(component.name).ok_or_else(missing)
}

pub(super) fn launch(
    environment: &Environment,
    component: &'static Component,
    name: &str,
    args: &[&str],
    env: BTreeMap<String, String>,
) -> StepResult<Launch> {
    let source = source(environment, component)?;
    let (program, first) = source
        .command
        .split_first()
        .ok_or_else(|| Failure::broken("the manifest's command is empty"))?;
    // A bare name is looked up in PATH; a path is relative to the manifest.
    let program = if program.contains('/') {
        environment.manifest.folder.join(program)
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
        dir: environment.manifest.folder.clone(),
        env,
    })
}
