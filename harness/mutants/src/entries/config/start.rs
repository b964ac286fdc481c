//! CFG-6, CFG-7: the start, with and without resources.

use std::process::ExitCode;
use std::time::Duration;

use super::pause;
use crate::entries::{common_mutant, main_mutant};
use crate::mutant::{Mutant, run_reference};
use crate::probes;

pub fn mutants() -> Vec<Mutant> {
    vec![
        main_mutant(
            "start-slow",
            "CFG-6",
            "the program starts to serve after 15 s",
            |command, variables| {
                if command == "serve" {
                    pause(Duration::from_secs(15));
                }
                run_reference(command, variables)
            },
        ),
        main_mutant(
            "start-needs-resources",
            "CFG-7",
            "the program exits if it cannot connect at start",
            |command, variables| {
                let url = variables.get("DATABASE_URL").cloned().unwrap_or_default();
                if command == "serve" && !can_connect(&url) {
                    return ExitCode::FAILURE;
                }
                run_reference(command, variables)
            },
        ),
        main_mutant(
            "start-gives-up",
            "CFG-7",
            "the program exits after 8 s without a database",
            |command, variables| {
                let url = variables.get("DATABASE_URL").cloned().unwrap_or_default();
                if command == "serve" && !can_connect(&url) {
                    std::thread::spawn(move || {
                        pause(Duration::from_secs(8));
                        if !can_connect(&url) {
                            std::process::exit(1);
                        }
                    });
                }
                run_reference(command, variables)
            },
        ),
        common_mutant("start-not-alive", "CFG-7", "/live is always 503", |parts| {
            probes::change_probe(parts.wrap_http, "/live", |probe| {
                probe.status = axum::http::StatusCode::SERVICE_UNAVAILABLE;
            });
        }),
    ]
}

/// Whether a connection to the database opens within 2 s.
fn can_connect(url: &str) -> bool {
    use sqlx::Connection as _;
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be made");
    let connected = runtime.block_on(async {
        tokio::time::timeout(Duration::from_secs(2), sqlx::PgConnection::connect(url)).await
    });
    runtime.shutdown_background();
    matches!(connected, Ok(Ok(_)))
}
