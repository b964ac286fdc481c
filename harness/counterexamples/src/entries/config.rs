//! Configuration and the life of the process.

use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
use std::process::ExitCode;
use std::time::Duration;

use platform::environment::Environment;
use user_service::parts::Parts;
use user_service::server;
use user_service::settings::Settings;

use super::{environment, parts};
use crate::entry::{Entry, How, Variables, reference};
use crate::{probes, store};

/// Every variable that the suite may pass empty.
const EMPTY_IS_GARBAGE: &[&str] = &[
    "PORT",
    "METRICS_PORT",
    "GRPC_PORT",
    "DATABASE_MAX_CONNECTIONS",
    "LOG_FORMAT",
    "HEALTH_CACHE_TTL",
    "HEALTH_CHECK_TIMEOUT",
    "SHUTDOWN_TIMEOUT",
    "REQUEST_TIMEOUT",
    "HEALTH_OPTIONAL",
];

pub fn entries() -> Vec<Entry> {
    let mut all = settings();
    all.extend(values());
    all.extend(ports());
    all.extend(commands());
    all.extend(starting());
    all.extend(stopping());
    all
}

fn is_unset(variables: &Variables, name: &str) -> bool {
    variables.get(name).is_none_or(String::is_empty)
}

fn default_to(variables: &mut Variables, name: &str, value: &str) {
    if is_unset(variables, name) {
        variables.insert(name.to_owned(), value.to_owned());
    }
}

fn settings() -> Vec<Entry> {
    vec![
        environment(
            "config-other-ports",
            "CFG-1",
            "the default ports are others",
            |it| {
                for (name, port) in [
                    ("PORT", "18085"),
                    ("METRICS_PORT", "19095"),
                    ("GRPC_PORT", "15055"),
                ] {
                    default_to(it, name, port);
                }
            },
        ),
        environment(
            "config-empty-is-a-value",
            "CFG-1",
            "an empty value is one that cannot be parsed",
            |it| {
                for name in EMPTY_IS_GARBAGE {
                    if it.get(*name).is_some_and(String::is_empty) {
                        it.insert((*name).to_owned(), "an empty value".to_owned());
                    }
                }
            },
        ),
        environment(
            "config-other-times",
            "CFG-1",
            "the default times are others",
            |it| {
                for (name, time) in [
                    ("HEALTH_CACHE_TTL", "1s"),
                    ("HEALTH_CHECK_TIMEOUT", "20s"),
                    ("REQUEST_TIMEOUT", "15s"),
                    ("SHUTDOWN_TIMEOUT", "2s"),
                ] {
                    default_to(it, name, time);
                }
            },
        ),
        environment(
            "config-other-log",
            "CFG-1",
            "the default log is text at warn",
            |it| {
                default_to(it, "LOG_LEVEL", "warn");
                default_to(it, "LOG_FORMAT", "text");
            },
        ),
        environment(
            "config-nothing-optional",
            "CFG-1",
            "an empty HEALTH_OPTIONAL means none",
            |it| {
                default_to(it, "HEALTH_OPTIONAL", "none");
            },
        ),
        environment(
            "config-other-pool",
            "CFG-1",
            "an empty DATABASE_MAX_CONNECTIONS means 40",
            |it| {
                default_to(it, "DATABASE_MAX_CONNECTIONS", "40");
            },
        ),
        environment(
            "config-units",
            "CFG-1",
            "a time in minutes or hours is taken for milliseconds",
            |it| {
                for value in it.values_mut() {
                    if matches!(value.as_str(), "2m" | "1h") {
                        *value = format!("{}ms", &value[..1]);
                    }
                }
            },
        ),
        parts(
            "config-no-version",
            "CFG-1",
            "without SERVICE_VERSION there is no version",
            |settings, it| {
                if settings.common.identity.version == env!("CARGO_PKG_VERSION") {
                    probes::spoil(it, "/health", |probe| probe.body["version"] = "".into());
                }
            },
        ),
    ]
}

fn values() -> Vec<Entry> {
    vec![
        environment(
            "config-garbage-ignored",
            "CFG-2",
            "what cannot be parsed is taken for unset",
            |it| {
                it.retain(|name, value| value != "banana" || name == "LOG_LEVEL");
            },
        ),
        Entry::new(
            "config-garbage-exits-0",
            "CFG-2",
            "a program that stops for garbage exits with 0",
            How::Life(|command, variables| {
                let garbage = variables
                    .iter()
                    .any(|(name, value)| value == "banana" && name != "LOG_LEVEL");
                let status = reference(command, variables, |_, _| {});
                if garbage { ExitCode::SUCCESS } else { status }
            }),
        ),
        Entry::new(
            "config-garbage-silent",
            "CFG-2",
            "the line does not name the variable",
            How::Output(|line| {
                let named = EMPTY_IS_GARBAGE.iter().fold(line, |line, name| {
                    if line.contains("ERROR") {
                        line.replace(name, "a variable")
                    } else {
                        line
                    }
                });
                Some(named)
            }),
        ),
        Entry::new(
            "config-garbage-warned",
            "CFG-2",
            "garbage is told at WARN",
            How::Output(|line| Some(line.replace("ERROR", "WARN"))),
        ),
        Entry::new(
            "config-level-strict",
            "CFG-2",
            "an unknown LOG_LEVEL is an error",
            How::Life(|command, variables| {
                if variables.get("LOG_LEVEL").is_some_and(|it| it == "banana") {
                    return ExitCode::FAILURE;
                }
                reference(command, variables, |_, _| {})
            }),
        ),
        environment(
            "config-level-debug",
            "CFG-2",
            "an unknown LOG_LEVEL means debug",
            |it| {
                if it.get("LOG_LEVEL").is_some_and(|it| it == "banana") {
                    it.insert("LOG_LEVEL".to_owned(), "debug".to_owned());
                }
            },
        ),
    ]
}

fn ports() -> Vec<Entry> {
    vec![
        parts(
            "ports-local-only",
            "CFG-3",
            "it is bound on 127.0.0.1 alone",
            |_, it| {
                it.rules.address = Ipv4Addr::LOCALHOST.into();
            },
        ),
        environment(
            "ports-next-one",
            "CFG-3",
            "a port already taken makes it take another",
            |it| {
                for name in ["PORT", "METRICS_PORT", "GRPC_PORT"] {
                    let port: u16 = it.get(name).and_then(|it| it.parse().ok()).unwrap_or(0);
                    if TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)).is_err() {
                        it.insert(name.to_owned(), "0".to_owned());
                    }
                }
            },
        ),
        Entry::new(
            "ports-not-named",
            "CFG-3",
            "the line does not name the port",
            How::Output(|line| {
                let digits = |it: char| it.is_ascii_digit();
                Some(if line.contains("ERROR") {
                    line.split(digits).collect::<Vec<_>>().join("2")
                } else {
                    line
                })
            }),
        ),
    ]
}

fn commands() -> Vec<Entry> {
    vec![
        Entry::new(
            "migrate-nothing",
            "CFG-4",
            "`migrate` does nothing",
            How::Life(|command, variables| {
                if command == "migrate" {
                    ExitCode::SUCCESS
                } else {
                    reference(command, variables, |_, _| {})
                }
            }),
        ),
        Entry::new(
            "migrate-remembers",
            "CFG-4",
            "`migrate` notes every run in the database",
            How::Life(|command, variables| {
                let url = variables.get("DATABASE_URL").cloned().unwrap_or_default();
                let status = reference(command, variables, |_, _| {});
                if command == "migrate" {
                    note_a_run(&url);
                }
                status
            }),
        ),
        Entry::new(
            "migrate-alone",
            "CFG-4",
            "of two `migrate` at once one fails",
            How::Life(|command, variables| {
                if command != "migrate" {
                    return reference(command, variables, |_, _| {});
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
                reference(command, variables, |_, _| {})
            }),
        ),
        Entry::new(
            "serve-unknown",
            "CFG-4",
            "`serve` is not known as a command",
            How::Life(|command, variables| {
                if std::env::args().nth(2).as_deref() == Some("serve") {
                    return ExitCode::from(2);
                }
                reference(command, variables, |_, _| {})
            }),
        ),
        healthcheck(
            "healthcheck-always-good",
            "`healthcheck` exits with 0 whatever it hears",
            |_| ExitCode::SUCCESS,
        ),
        healthcheck(
            "healthcheck-never-good",
            "`healthcheck` exits with 1 whatever it hears",
            |_| ExitCode::FAILURE,
        ),
        healthcheck(
            "healthcheck-any-2xx",
            "`healthcheck` takes any 2xx for good",
            |port| match ask(port, "/health", Duration::from_secs(5)) {
                Some(200..300) => ExitCode::SUCCESS,
                _ => ExitCode::FAILURE,
            },
        ),
        healthcheck(
            "healthcheck-below-500",
            "`healthcheck` takes everything below 500 for good",
            |port| match ask(port, "/health", Duration::from_secs(5)) {
                Some(..500) => ExitCode::SUCCESS,
                _ => ExitCode::FAILURE,
            },
        ),
        healthcheck(
            "healthcheck-degraded-bad",
            "`healthcheck` takes 207 for bad",
            |port| {
                if ask(port, "/health", Duration::from_secs(5)) == Some(200) {
                    ExitCode::SUCCESS
                } else {
                    ExitCode::FAILURE
                }
            },
        ),
        healthcheck(
            "healthcheck-asks-live",
            "`healthcheck` asks /live",
            |port| {
                if ask(port, "/live", Duration::from_secs(5)) == Some(200) {
                    ExitCode::SUCCESS
                } else {
                    ExitCode::FAILURE
                }
            },
        ),
        healthcheck(
            "healthcheck-impatient",
            "`healthcheck` gives up after 1 s",
            |port| match ask(port, "/health", Duration::from_secs(1)) {
                Some(200 | 207) => ExitCode::SUCCESS,
                _ => ExitCode::FAILURE,
            },
        ),
        healthcheck(
            "healthcheck-patient",
            "`healthcheck` waits for 20 s",
            |port| match ask(port, "/health", Duration::from_secs(20)) {
                Some(200 | 207) => ExitCode::SUCCESS,
                _ => ExitCode::FAILURE,
            },
        ),
        healthcheck(
            "healthcheck-other-status",
            "`healthcheck` exits with 3 when something is wrong",
            |port| match ask(port, "/health", Duration::from_secs(5)) {
                Some(200 | 207) => ExitCode::SUCCESS,
                _ => ExitCode::from(3),
            },
        ),
    ]
}

/// An entry whose `healthcheck` is another; `check` gets the port.
fn healthcheck(id: &'static str, wrong: &'static str, check: fn(u16) -> ExitCode) -> Entry {
    Entry::new(id, "CFG-5", wrong, How::Healthcheck(check))
}

/// The status of one GET, or nothing when no answer comes in time.
fn ask(port: u16, path: &str, limit: Duration) -> Option<u16> {
    use std::io::{Read as _, Write as _};
    let address = (Ipv4Addr::LOCALHOST, port).into();
    let mut stream = std::net::TcpStream::connect_timeout(&address, limit).ok()?;
    stream.set_read_timeout(Some(limit)).ok()?;
    stream
        .write_all(
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                .as_bytes(),
        )
        .ok()?;
    let mut start = [0; 12];
    stream.read_exact(&mut start).ok()?;
    std::str::from_utf8(&start[9..]).ok()?.parse().ok()
}

fn note_a_run(url: &str) {
    use sqlx::{Connection as _, Executor as _};
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be made");
    runtime.block_on(async {
        let mut connection = sqlx::PgConnection::connect(url).await.expect("the database is up");
        let note = "CREATE TABLE IF NOT EXISTS runs (at timestamptz); INSERT INTO runs VALUES (clock_timestamp())";
        connection.execute(note).await.expect("the note is taken");
    });
}

/// A wrong program may wait as it likes.
#[expect(
    clippy::disallowed_methods,
    reason = "waiting is what is wrong with it"
)]
fn pause(time: Duration) {
    std::thread::sleep(time);
}

fn starting() -> Vec<Entry> {
    vec![
        Entry::new(
            "start-slow",
            "CFG-6",
            "it warms up for 15 s",
            How::Life(|command, variables| {
                if command == "serve" {
                    pause(Duration::from_secs(15));
                }
                reference(command, variables, |_, _| {})
            }),
        ),
        Entry::new(
            "start-needs-resources",
            "CFG-7",
            "it exits when it cannot connect at its start",
            How::Life(|command, variables| {
                let url = variables.get("DATABASE_URL").cloned().unwrap_or_default();
                if command == "serve" && !connects(&url) {
                    return ExitCode::FAILURE;
                }
                reference(command, variables, |_, _| {})
            }),
        ),
        parts(
            "start-claims-readiness",
            "CFG-7",
            "it is ready whatever its resources do",
            |_, it| {
                it.rules.health.is_ready = |_| true;
            },
        ),
        parts(
            "start-not-alive",
            "CFG-7",
            "while it is not ready it is not alive either",
            |_, it| {
                // Nobody asks a program for its life that has never been healthy.
                it.rules.health.live_code = || axum::http::StatusCode::SERVICE_UNAVAILABLE;
            },
        ),
        parts(
            "stateless-write-behind",
            "CFG-9",
            "a change is acknowledged half a second before it is stored",
            |_, it| {
                store::twist(it, super::users::WriteBehind(Duration::from_millis(500)));
            },
        ),
        parts(
            "stateless-cached",
            "CFG-9",
            "each instance keeps what it has read",
            |_, it| {
                store::twist(it, super::users::Cached::default());
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

fn stopping() -> Vec<Entry> {
    vec![
        Entry::new(
            "stop-at-once",
            "CFG-8",
            "a signal ends it at once",
            How::Life(|command, variables| {
                std::thread::spawn(|| {
                    wait_for_a_signal();
                    std::process::exit(0);
                });
                reference(command, variables, |_, _| {})
            }),
        ),
        Entry::new(
            "stop-late",
            "CFG-8",
            "it goes on serving until SHUTDOWN_TIMEOUT is over",
            How::Life(|command, variables| {
                if command == "serve" {
                    serve_on(variables)
                } else {
                    reference(command, variables, |_, _| {})
                }
            }),
        ),
        Entry::new(
            "stop-with-1",
            "CFG-8",
            "it exits with 1",
            How::Life(|command, variables| {
                let status = reference(command, variables, |_, _| {});
                if command == "serve" {
                    ExitCode::FAILURE
                } else {
                    status
                }
            }),
        ),
        environment(
            "stop-waits",
            "CFG-8",
            "it waits for whatever runs, however long",
            |it| {
                it.insert("SHUTDOWN_TIMEOUT".to_owned(), "1h".to_owned());
            },
        ),
        parts("stop-ready", "CFG-8", "/ready stays 200", |_, it| {
            probes::spoil(it, "/ready", |probe| {
                probe.status = axum::http::StatusCode::OK;
            });
        }),
        Entry::new(
            "stop-lingers",
            "CFG-8",
            "it lingers for 10 s at its end",
            How::Life(|command, variables| {
                let status = reference(command, variables, |_, _| {});
                if command == "serve" {
                    pause(Duration::from_secs(10));
                }
                status
            }),
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

/// Serves as before until the time-out is over, and then ends.
pub fn serve_on(variables: Variables) -> ExitCode {
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
        let over = tokio::time::timeout(
            settings.common.shutdown_timeout,
            std::future::pending::<()>(),
        );
        let _ = over.await;
        drop(running);
    });
    runtime.shutdown_background();
    ExitCode::SUCCESS
}
