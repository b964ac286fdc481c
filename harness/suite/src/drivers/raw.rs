//! Connections below any client library: idle, with half a request, with bytes that are no request.

use std::time::Duration;

use conformance_engine::failure::{Failure, StepResult};
use conformance_engine::sandbox::exhaustion;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Time limit of an answer.
const GIVE_UP: Duration = Duration::from_secs(5);

/// The connection preface of HTTP/2 with an empty SETTINGS frame (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// A connection to a port of this machine.
pub async fn connect(port: u16) -> StepResult<TcpStream> {
    TcpStream::connect(("127.0.0.1", port))
        .await
        .inspect_err(|error| exhaustion::record(error))
        .map_err(|error| Failure::mismatch(format!("port {port} takes connections"), error))
}

/// A connection on which one request was answered and nothing follows.
pub async fn idle_http(port: u16) -> StepResult<TcpStream> {
    let mut stream = connect(port).await?;
    stream
        .write_all(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .map_err(Failure::broken)?;
    let mut buffer = [0; 4096];
    let read = tokio::time::timeout(GIVE_UP, stream.read(&mut buffer)).await;
    match read {
        Ok(Ok(1..)) => Ok(stream),
        other => Err(Failure::mismatch(
            "an answer to GET /live",
            format!("{other:?}"),
        )),
    }
}

/// A connection that has sent less than a request.
pub async fn half_http(port: u16) -> StepResult<TcpStream> {
    let mut stream = connect(port).await?;
    stream
        .write_all(b"GET /live HTTP/1.1\r\nHost:")
        .await
        .map_err(Failure::broken)?;
    Ok(stream)
}

/// An HTTP/2 connection without a stream.
pub async fn idle_grpc(port: u16) -> StepResult<TcpStream> {
    let mut stream = connect(port).await?;
    stream.write_all(PREFACE).await.map_err(Failure::broken)?;
    Ok(stream)
}

/// An HTTP/2 connection that has sent half a frame: a HEADERS frame of 100 bytes, and 3 of them.
pub async fn half_grpc(port: u16) -> StepResult<TcpStream> {
    let mut stream = idle_grpc(port).await?;
    stream
        .write_all(b"\0\0\x64\x01\x04\0\0\0\x01abc")
        .await
        .map_err(Failure::broken)?;
    Ok(stream)
}

/// Sends bytes and reads until the other side closes or sends nothing for a while.
///
/// The answer is ignored: the contract defines only the behaviour of the program afterwards.
pub async fn send(port: u16, bytes: &[u8]) -> StepResult {
    let mut stream = connect(port).await?;
    // The other side may close the connection at the first wrong byte.
    let _ = stream.write_all(bytes).await;
    let _ = stream.shutdown().await;
    let mut rest = Vec::new();
    let _ = tokio::time::timeout(Duration::from_millis(500), stream.read_to_end(&mut rest)).await;
    Ok(())
}
