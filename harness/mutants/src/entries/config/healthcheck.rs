//! CFG-5: the command `healthcheck`.

use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::time::Duration;

use crate::mutant::{Fault, Mutant};

pub fn mutants() -> Vec<Mutant> {
    vec![
        healthcheck_mutant(
            "healthcheck-always-good",
            "`healthcheck` always exits with 0",
            |_| ExitCode::SUCCESS,
        ),
        healthcheck_mutant(
            "healthcheck-never-good",
            "`healthcheck` always exits with 1",
            |_| ExitCode::FAILURE,
        ),
        healthcheck_mutant(
            "healthcheck-any-2xx",
            "`healthcheck` accepts any 2xx",
            |port| {
                exit_code(matches!(
                    status_of(port, "/health", RESPONSE_LIMIT),
                    Some(200..300)
                ))
            },
        ),
        healthcheck_mutant(
            "healthcheck-below-500",
            "`healthcheck` accepts any status below 500",
            |port| {
                exit_code(matches!(
                    status_of(port, "/health", RESPONSE_LIMIT),
                    Some(..500)
                ))
            },
        ),
        healthcheck_mutant(
            "healthcheck-degraded-bad",
            "`healthcheck` fails on 207",
            |port| exit_code(status_of(port, "/health", RESPONSE_LIMIT) == Some(200)),
        ),
        healthcheck_mutant(
            "healthcheck-requests-live",
            "`healthcheck` requests /live",
            |port| exit_code(status_of(port, "/live", RESPONSE_LIMIT) == Some(200)),
        ),
        healthcheck_mutant(
            "healthcheck-impatient",
            "`healthcheck` gives up after 1 s",
            |port| {
                exit_code(matches!(
                    status_of(port, "/health", Duration::from_secs(1)),
                    Some(200 | 207)
                ))
            },
        ),
        healthcheck_mutant(
            "healthcheck-patient",
            "`healthcheck` waits up to 20 s for a response",
            |port| {
                exit_code(matches!(
                    status_of(port, "/health", Duration::from_secs(20)),
                    Some(200 | 207)
                ))
            },
        ),
        healthcheck_mutant(
            "healthcheck-other-status",
            "`healthcheck` exits with 3 on failure",
            |port| match status_of(port, "/health", RESPONSE_LIMIT) {
                Some(200 | 207) => ExitCode::SUCCESS,
                _ => ExitCode::from(3),
            },
        ),
    ]
}

/// A mutant that replaces the command `healthcheck` by `check`, which takes the port.
fn healthcheck_mutant(id: &'static str, wrong: &'static str, check: fn(u16) -> ExitCode) -> Mutant {
    Mutant::new(id, "CFG-5", wrong, Fault::Healthcheck(check))
}

/// The contract's limit for a response to `healthcheck`.
const RESPONSE_LIMIT: Duration = Duration::from_secs(5);

fn exit_code(is_healthy: bool) -> ExitCode {
    if is_healthy {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// The HTTP status of one GET; `None` if no response arrives within the limit.
fn status_of(port: u16, path: &str, limit: Duration) -> Option<u16> {
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
