//! A fake of the program: answers `/health` with a given status, and everything else with the opposite.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use conformance_engine::failure::{Failure, StepResult};
use conformance_engine::observe::elapse;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

/// A fake that listens; dropping it ends it.
#[derive(Debug)]
pub struct FakeHealthEndpoint {
    task: AbortHandle,
}

impl FakeHealthEndpoint {
    /// Listens on the port; without a status it accepts requests and never answers.
    pub async fn start(port: u16, status: Option<u16>, after: Duration) -> StepResult<Self> {
        let everywhere: [SocketAddr; 2] = [
            (Ipv6Addr::UNSPECIFIED, port).into(),
            // Where there is no IPv6.
            (Ipv4Addr::UNSPECIFIED, port).into(),
        ];
        let listener = TcpListener::bind(&everywhere[..]).await;
        let listener = listener.map_err(Failure::broken)?;
        let task = tokio::spawn(async move {
            // Kept, so that a request without an answer stays open.
            let mut silent = Vec::new();
            while let Ok((stream, _)) = listener.accept().await {
                match status {
                    Some(status) => drop(tokio::spawn(answer(stream, status, after))),
                    None => silent.push(stream),
                }
            }
        });
        Ok(Self {
            task: task.abort_handle(),
        })
    }
}

impl Drop for FakeHealthEndpoint {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(mut stream: TcpStream, status: u16, after: Duration) {
    let mut request = Vec::new();
    let mut buffer = [0; 1024];
    while !request.windows(4).any(|it| it == b"\r\n\r\n") {
        match stream.read(&mut buffer).await {
            Ok(count @ 1..) => request.extend_from_slice(&buffer[..count]),
            _ => return,
        }
    }
    let health = request.starts_with(b"GET /health ") || request.starts_with(b"HEAD /health ");
    let opposite = if (200..300).contains(&status) {
        503
    } else {
        200
    };
    let status = if health { status } else { opposite };
    elapse(after).await;
    let body = if status == 204 {
        ""
    } else {
        "{\"status\":\"healthy\"}"
    };
    let answer = format!(
        "HTTP/1.1 {status} Fake\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let _ = stream.write_all(answer.as_bytes()).await;
}
