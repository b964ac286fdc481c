//! CFG-5: the command `healthcheck`.

use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::time::Duration;

use crate::entry::{Entry, How};

pub fn entries() -> Vec<Entry> {
    vec![
        healthcheck(
            "healthcheck-always-good",
            "`healthcheck` always exits with 0",
            |_| ExitCode::SUCCESS,
        ),
        healthcheck(
            "healthcheck-never-good",
            "`healthcheck` always exits with 1",
            |_| ExitCode::FAILURE,
        ),
        healthcheck(
            "healthcheck-any-2xx",
            "`healthcheck` accepts any 2xx",
            |port| verdict(matches!(status_of(port, "/health", LIMIT), Some(200..300))),
        ),
        healthcheck(
            "healthcheck-below-500",
            "`healthcheck` accepts any status below 500",
            |port| verdict(matches!(status_of(port, "/health", LIMIT), Some(..500))),
        ),
        healthcheck(
            "healthcheck-degraded-bad",
            "`healthcheck` takes 207 for bad",
            |port| verdict(status_of(port, "/health", LIMIT) == Some(200)),
        ),
        healthcheck(
            "healthcheck-asks-live",
            "`healthcheck` requests /live",
            |port| verdict(status_of(port, "/live", LIMIT) == Some(200)),
        ),
        healthcheck(
            "healthcheck-impatient",
            "`healthcheck` gives up after 1 s",
            |port| {
                verdict(matches!(
                    status_of(port, "/health", Duration::from_secs(1)),
                    Some(200 | 207)
                ))
            },
        ),
        healthcheck(
            "healthcheck-patient",
            "`healthcheck` waits for 20 s",
            |port| {
                verdict(matches!(
                    status_of(port, "/health", Duration::from_secs(20)),
                    Some(200 | 207)
                ))
            },
        ),
        healthcheck(
            "healthcheck-other-status",
            "`healthcheck` exits with 3 when something is wrong",
            |port| match status_of(port, "/health", LIMIT) {
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

/// How long the contract lets it wait for an answer.
const LIMIT: Duration = Duration::from_secs(5);

fn verdict(is_good: bool) -> ExitCode {
    if is_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// The status of one GET, or nothing when no answer comes in time.
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
