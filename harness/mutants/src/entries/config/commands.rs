//! CFG-4: commands.

use std::net::{Ipv4Addr, TcpListener};
use std::process::ExitCode;
use std::time::Duration;

use super::pause;
use crate::entries::life;
use crate::entry::{Entry, plain};

pub fn entries() -> Vec<Entry> {
    vec![
        life(
            "migrate-nothing",
            "CFG-4",
            "`migrate` does nothing",
            |command, variables| {
                if command == "migrate" {
                    ExitCode::SUCCESS
                } else {
                    plain(command, variables)
                }
            },
        ),
        life(
            "migrate-remembers",
            "CFG-4",
            "`migrate` notes every run in the database",
            |command, variables| {
                let url = variables.get("DATABASE_URL").cloned().unwrap_or_default();
                let status = plain(command, variables);
                if command == "migrate" {
                    note_a_run(&url);
                }
                status
            },
        ),
        life(
            "migrate-alone",
            "CFG-4",
            "of two `migrate` at once one fails",
            |command, variables| {
                if command != "migrate" {
                    return plain(command, variables);
                }
                // One port stands for the lock that the second does not wait for.
                let name = variables
                    .get("DATABASE_URL")
                    .map_or(0, |it| it.bytes().map(u16::from).sum());
                let Ok(_lock) =
                    TcpListener::bind((Ipv4Addr::new(127, 1, 1, 1), 2000 + name % 7000))
                else {
                    return ExitCode::FAILURE;
                };
                pause(Duration::from_millis(300));
                plain(command, variables)
            },
        ),
        life(
            "serve-unknown",
            "CFG-4",
            "`serve` is not known as a command",
            |command, variables| {
                if std::env::args().nth(2).as_deref() == Some("serve") {
                    return ExitCode::from(2);
                }
                plain(command, variables)
            },
        ),
    ]
}

/// Leaves a trace in the database.
fn note_a_run(url: &str) {
    use sqlx::{Connection as _, Executor as _};
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be made");
    runtime.block_on(async {
        let mut connection = sqlx::PgConnection::connect(url).await.expect("the database is up");
        let note = "CREATE TABLE IF NOT EXISTS runs (at timestamptz); INSERT INTO runs VALUES (clock_timestamp())";
        connection.execute(note).await.expect("the note is taken");
    });
}
