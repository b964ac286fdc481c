//! CFG-8: the end.

use std::process::ExitCode;
use std::time::Duration;

use platform::environment::Environment;
use user_service::parts::Parts;
use user_service::server;
use user_service::settings::Settings;

use super::pause;
use crate::entries::{common, environment, life, pass, set};
use crate::entry::{Entry, Variables, plain};
use crate::probes;

pub fn entries() -> Vec<Entry> {
    vec![
        life(
            "stop-at-once",
            "CFG-8",
            "a signal ends it at once",
            |command, variables| {
                std::thread::spawn(|| {
                    wait_for_a_signal();
                    std::process::exit(0);
                });
                plain(command, variables)
            },
        ),
        life(
            "stop-late",
            "CFG-8",
            "it goes on serving until SHUTDOWN_TIMEOUT is over",
            serve_on,
        ),
        life(
            "stop-with-1",
            "CFG-8",
            "it exits with 1",
            |command, variables| {
                let status = plain(command, variables);
                if command == "serve" {
                    ExitCode::FAILURE
                } else {
                    status
                }
            },
        ),
        environment(
            "stop-waits",
            "CFG-8",
            "it waits for whatever runs, however long",
            |it| {
                set(it, "SHUTDOWN_TIMEOUT", "1h");
            },
        ),
        common("stop-ready", "CFG-8", "/ready stays 200", |it| {
            probes::spoil(it.wrap_http, "/ready", |probe| {
                probe.status = axum::http::StatusCode::OK;
            });
        }),
        life(
            "stop-lingers",
            "CFG-8",
            "it lingers for 10 s at its end",
            |command, variables| {
                let status = plain(command, variables);
                if command == "serve" {
                    pause(Duration::from_secs(10));
                }
                status
            },
        ),
    ]
}

fn wait_for_a_signal() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime can be made").block_on(async {
        let signals = platform::shutdown::signals().expect("signals can be caught");
        signals.await;
    });
}

/// `serve` goes on as before until the time-out is over.
pub fn serve_on(command: &str, variables: Variables) -> ExitCode {
    if command != "serve" {
        return plain(command, variables);
    }
    let environment = Environment::from_iter(variables);
    let (log, _) = platform::logging::LogSettings::read(&environment);
    platform::logging::install(log);
    let Ok(settings) = Settings::read(&environment) else {
        return ExitCode::FAILURE;
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be made");
    runtime.block_on(async {
        let signals = platform::shutdown::signals().expect("signals can be caught");
        let parts = Parts::contract(&settings);
        let listeners = server::bind(&settings, &parts.rules).expect("the ports are free");
        let running = server::start(&settings, parts, listeners);
        signals.await;
        pass(settings.common.shutdown_timeout).await;
        drop(running);
    });
    runtime.shutdown_background();
    ExitCode::SUCCESS
}
