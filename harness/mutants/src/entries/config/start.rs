//! CFG-6, CFG-7: the start.

use std::process::ExitCode;
use std::time::Duration;

use super::pause;
use crate::entries::{common, life};
use crate::entry::{Entry, plain};
use crate::probes;

pub fn entries() -> Vec<Entry> {
    vec![
        life(
            "start-slow",
            "CFG-6",
            "it warms up for 15 s",
            |command, variables| {
                if command == "serve" {
                    pause(Duration::from_secs(15));
                }
                plain(command, variables)
            },
        ),
        life(
            "start-needs-resources",
            "CFG-7",
            "it exits when it cannot connect at its start",
            |command, variables| {
                let url = variables.get("DATABASE_URL").cloned().unwrap_or_default();
                if command == "serve" && !connects(&url) {
                    return ExitCode::FAILURE;
                }
                plain(command, variables)
            },
        ),
        life(
            "start-gives-up",
            "CFG-7",
            "it exits after 8 s without its database",
            |command, variables| {
                let url = variables.get("DATABASE_URL").cloned().unwrap_or_default();
                if command == "serve" && !connects(&url) {
                    std::thread::spawn(move || {
                        pause(Duration::from_secs(8));
                        if !connects(&url) {
                            std::process::exit(1);
                        }
                    });
                }
                plain(command, variables)
            },
        ),
        common(
            "start-not-alive",
            "CFG-7",
            "while it is not ready it is not alive either",
            |parts| {
                probes::inject(parts.wrap_http, "/live", |probe| {
                    probe.status = axum::http::StatusCode::SERVICE_UNAVAILABLE;
                });
            },
        ),
    ]
}

fn connects(url: &str) -> bool {
    use sqlx::Connection as _;
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be made");
    let connected = runtime.block_on(async {
        tokio::time::timeout(Duration::from_secs(2), sqlx::PgConnection::connect(url)).await
    });
    runtime.shutdown_background();
    matches!(connected, Ok(Ok(_)))
}
