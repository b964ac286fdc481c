//! Requests the health of a running program, as a container's HEALTHCHECK does.

use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long the request and its answer may take in all (CFG-5).
const PATIENCE: Duration = Duration::from_secs(5);

/// Why a health check failed.
#[derive(Debug, thiserror::Error)]
pub enum HealthcheckError {
    /// The program answered, but not with status 200 or 207.
    #[error("port {port} answered {answer:?}")]
    Unhealthy {
        /// The port of the request.
        port: u16,
        /// The start of the answer.
        answer: String,
    },
    /// Nothing listens, or the connection broke.
    #[error("no answer from port {port}: {source}")]
    Broken {
        /// The port of the request.
        port: u16,
        /// The error of the connection.
        source: io::Error,
    },
    /// Nothing came in time.
    #[error("port {0} gave no answer in time")]
    Silent(u16),
}

/// Requests `/health` on `port` of this machine; 200 and 207 mean healthy (CFG-5).
pub async fn request_health(port: u16) -> Result<(), HealthcheckError> {
    let answer = tokio::time::timeout(PATIENCE, get(port))
        .await
        .map_err(|_| HealthcheckError::Silent(port))?
        .map_err(|source| HealthcheckError::Broken { port, source })?;
    if is_healthy(&answer) {
        return Ok(());
    }
    Err(HealthcheckError::Unhealthy { port, answer })
}

/// The start of the answer: `HTTP/1.1 200`.
async fn get(port: u16) -> io::Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    let request =
        format!("GET /health HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut start = [0; "HTTP/1.1 200".len()];
    stream.read_exact(&mut start).await?;
    Ok(String::from_utf8_lossy(&start).into_owned())
}

fn is_healthy(answer: &str) -> bool {
    matches!(
        answer.split_once(' '),
        Some(("HTTP/1.1" | "HTTP/1.0", "200" | "207"))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_200_and_207_are_healthy() {
        assert!(is_healthy("HTTP/1.1 200"));
        assert!(is_healthy("HTTP/1.1 207"));
        assert!(!is_healthy("HTTP/1.1 503"));
        assert!(!is_healthy("HTTP/1.1 201"));
        assert!(!is_healthy("SSH-2.0-abcd"));
    }
}
