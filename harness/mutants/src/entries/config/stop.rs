//! CFG-8: the end.

use std::process::ExitCode;
use std::time::Duration;

use gateway::program::GatewayProgram;
use platform::environment::Environment;
use platform::logging::{self, LogSettings};
use platform::{program, shutdown};
use user_service::dependencies::Dependencies;
use user_service::program::UserServiceProgram;

use super::pause;
use crate::entries::{common, environment, life, pass, set};
use crate::entry::{self, Entry, Program, Variables, plain};
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
            "it waits for running requests without a limit",
            |variables| {
                set(variables, "SHUTDOWN_TIMEOUT", "1h");
            },
        ),
        common("stop-ready", "CFG-8", "/ready stays 200", |parts| {
            probes::inject(parts.wrap_http, "/ready", |probe| {
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
        let signals = shutdown::signals().expect("signals can be caught");
        signals.await;
    });
}

/// `serve` goes on as before until the time-out is over; everything else is as it is.
pub fn serve_on(command: &str, variables: Variables) -> ExitCode {
    match entry::program() {
        _ if command != "serve" => plain(command, variables),
        Program::UserService => serve_late::<UserServiceProgram>(variables, Dependencies::new),
        Program::Gateway => {
            serve_late::<GatewayProgram>(variables, gateway::dependencies::Dependencies::new)
        }
    }
}

fn serve_late<P: program::Program>(
    variables: Variables,
    assemble: impl FnOnce(&P::Settings) -> P::Dependencies,
) -> ExitCode {
    let environment = Environment::from_iter(variables);
    let (log, _) = LogSettings::read(&environment);
    logging::install(log);
    let Ok(settings) = P::settings(&environment) else {
        return ExitCode::FAILURE;
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be made");
    runtime.block_on(async {
        let signals = shutdown::signals().expect("signals can be caught");
        let running = P::start(&settings, assemble(&settings)).expect("the ports are free");
        signals.await;
        pass(P::common(&settings).shutdown_timeout).await;
        drop(running);
    });
    runtime.shutdown_background();
    ExitCode::SUCCESS
}
