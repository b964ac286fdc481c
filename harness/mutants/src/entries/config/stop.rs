//! CFG-8: shutdown after a signal.

use std::process::ExitCode;
use std::time::Duration;

use gateway::program::GatewayProgram;
use platform::environment::Environment;
use platform::logging::{self, LogSettings};
use platform::{program, shutdown};
use user_service::dependencies::Dependencies;
use user_service::program::UserServiceProgram;

use super::pause;
use crate::entries::{common_mutant, delay, environment_mutant, main_mutant, set_variable};
use crate::mutant::{self, Mutant, Program, Variables, run_reference};
use crate::probes;

pub fn mutants() -> Vec<Mutant> {
    vec![
        main_mutant(
            "stop-at-once",
            "CFG-8",
            "a signal ends the program immediately",
            |command, variables| {
                std::thread::spawn(|| {
                    wait_for_signal();
                    std::process::exit(0);
                });
                run_reference(command, variables)
            },
        ),
        main_mutant(
            "stop-late",
            "CFG-8",
            "after a signal the program serves on until SHUTDOWN_TIMEOUT is over",
            serve_until_timeout,
        ),
        main_mutant(
            "stop-with-1",
            "CFG-8",
            "`serve` exits with 1",
            |command, variables| {
                let status = run_reference(command, variables);
                if command == "serve" {
                    ExitCode::FAILURE
                } else {
                    status
                }
            },
        ),
        environment_mutant(
            "stop-waits",
            "CFG-8",
            "shutdown waits for running requests without a limit",
            |variables| {
                set_variable(variables, "SHUTDOWN_TIMEOUT", "1h");
            },
        ),
        common_mutant(
            "stop-ready",
            "CFG-8",
            "/ready stays 200 during shutdown",
            |parts| {
                probes::change_probe(parts.wrap_http, "/ready", |probe| {
                    probe.status = axum::http::StatusCode::OK;
                });
            },
        ),
        main_mutant(
            "stop-lingers",
            "CFG-8",
            "the process exits 10 s late",
            |command, variables| {
                let status = run_reference(command, variables);
                if command == "serve" {
                    pause(Duration::from_secs(10));
                }
                status
            },
        ),
    ]
}

fn wait_for_signal() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime can be made").block_on(async {
        let signals = shutdown::signals().expect("signals can be caught");
        signals.await;
    });
}

/// Lets `serve` ignore a signal until `SHUTDOWN_TIMEOUT` is over; runs other commands unchanged.
pub fn serve_until_timeout(command: &str, variables: Variables) -> ExitCode {
    match mutant::current_program() {
        _ if command != "serve" => run_reference(command, variables),
        Program::UserService => {
            run_until_timeout::<UserServiceProgram>(variables, Dependencies::new)
        }
        Program::Gateway => {
            run_until_timeout::<GatewayProgram>(variables, gateway::dependencies::Dependencies::new)
        }
    }
}

fn run_until_timeout<P: program::Program>(
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
        delay(P::common(&settings).shutdown_timeout).await;
        drop(running);
    });
    runtime.shutdown_background();
    ExitCode::SUCCESS
}
