//! CFG-4: commands.

use std::net::{Ipv4Addr, TcpListener};
use std::process::ExitCode;
use std::time::Duration;

use super::pause;
use crate::entries::main_mutant;
use crate::mutant::{Mutant, run_reference};

pub fn mutants() -> Vec<Mutant> {
    vec![
        main_mutant(
            "migrate-nothing",
            "CFG-4",
            "`migrate` does nothing",
            |command, variables| {
                if command == "migrate" {
                    ExitCode::SUCCESS
                } else {
                    run_reference(command, variables)
                }
            },
        ),
        main_mutant(
            "migrate-remembers",
            "CFG-4",
            "`migrate` records every run in the database",
            |command, variables| {
                let url = variables.get("DATABASE_URL").cloned().unwrap_or_default();
                let status = run_reference(command, variables);
                if command == "migrate" {
                    record_run(&url);
                }
                status
            },
        ),
        main_mutant(
            "migrate-alone",
            "CFG-4",
            "one of two concurrent `migrate` runs fails",
            |command, variables| {
                if command != "migrate" {
                    return run_reference(command, variables);
                }
                // Uses a port as a lock: the second run fails instead of waiting.
                let checksum = variables
                    .get("DATABASE_URL")
                    .map_or(0, |it| it.bytes().map(u16::from).sum());
                let Ok(_lock) =
                    TcpListener::bind((Ipv4Addr::new(127, 1, 1, 1), 2000 + checksum % 7000))
                else {
                    return ExitCode::FAILURE;
                };
                pause(Duration::from_millis(300));
                run_reference(command, variables)
            },
        ),
        main_mutant(
            "serve-unknown",
            "CFG-4",
            "the command `serve` is unknown",
            |command, variables| {
                if std::env::args().nth(2).as_deref() == Some("serve") {
                    return ExitCode::from(2);
                }
                run_reference(command, variables)
            },
        ),
    ]
}

/// Records a run in a table of the database.
fn record_run(url: &str) {
    use sqlx::{Connection as _, Executor as _};
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be made");
    runtime.block_on(async {
        let mut connection = sqlx::PgConnection::connect(url).await.expect("the database is up");
        let statements = "CREATE TABLE IF NOT EXISTS runs (at timestamptz); INSERT INTO runs VALUES (clock_timestamp())";
        connection.execute(statements).await.expect("the run can be recorded");
    });
}
