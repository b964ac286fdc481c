//! How the program is started: its command, its environment variables, its start permit.

use std::path::PathBuf;
use std::time::Duration;

use conformance_engine::backends::postgres::Database;
use conformance_engine::failure::{Failure, StepResult};
use conformance_engine::subject::instance::Exit;
use conformance_engine::subject::{self, Command, Subject};
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
    let limit = environment.stretch_start(Duration::from_secs(30));
    let postgres = environment.postgres().await?;
    let subject = subject(environment, component)?;
    let mut variables = subject.environment()?;
    let resources = component.resources.iter();
    for resource in resources.filter(|it| it.kind == ResourceKind::Postgres) {
        let url = database.url(postgres.address());
        variables.insert(resource.variable.to_owned(), url);
    }
    let instance = subject.start(&Command {
        name: format!("{} migrate", component.name),
        arguments: vec!["migrate".to_owned()],
        environment: variables,
        launcher: Vec::new(),
    })?;
    let ended = tokio::time::timeout(limit, instance.wait_for_exit()).await;
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

/// The implementation of a component, as the manifest names it.
pub(super) fn subject(
    environment: &Environment,
    component: &Component,
) -> StepResult<Box<dyn Subject>> {
    subject::create_subject(&environment.manifest, component.name, environment.home())
}
