//! Requests whose answers the client stops reading: the server cannot finish writing them.

use std::time::Duration;

use conformance_engine::failure::{Failure, StepResult};
use prost::Message;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use user_proto::v1::ListUsersRequest;

/// Time limit for the start of an answer.
const GIVE_UP: Duration = Duration::from_secs(30);

/// Size of the client's receive buffer, in bytes: small, so that the answer stays with the server.
const RECEIVE_BUFFER: u32 = 4096;

/// How many requests an HTTP client sends one behind the other: together their answers exceed what the server's
/// kernel buffers.
const PIPELINED: usize = 8;

/// The connection preface of HTTP/2 with an empty SETTINGS frame (RFC 9113, section 3.4). The flow-control
/// windows stay at their initial 65,535 bytes.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// Types and flags of HTTP/2 frames (RFC 9113, section 6).
const DATA: u8 = 0x0;
const HEADERS: u8 = 0x1;
const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;

/// Requests a page of the users with this name over HTTP, several times in a pipeline. Reads the first status line and
/// nothing more.
pub async fn http_list(port: u16, name: &str, page_size: usize) -> StepResult<TcpStream> {
    let mut stream = connect(port).await?;
    let path = format!("/api/v1/users?page_size={page_size}&filter=name%3D{name}");
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").repeat(PIPELINED);
    let wire = async {
        stream.write_all(request.as_bytes()).await?;
        let mut status = [0; 12];
        stream.read_exact(&mut status).await?;
        Ok::<_, std::io::Error>(status)
    };
    match tokio::time::timeout(GIVE_UP, wire).await {
        Ok(Ok(status)) if status == *b"HTTP/1.1 200" => Ok(stream),
        Ok(Ok(status)) => Err(Failure::mismatch(
            "HTTP/1.1 200",
            String::from_utf8_lossy(&status),
        )),
        Ok(Err(error)) => Err(Failure::mismatch("an answer", error)),
        Err(_) => Err(Failure::mismatch("an answer", "none within 30 s")),
    }
}

/// Calls ListUsers for a page of the users with this name. Reads up to the first DATA frame of the answer and nothing
/// more.
pub async fn grpc_list(port: u16, name: &str, page_size: usize) -> StepResult<TcpStream> {
    let mut stream = connect(port).await?;
    let message = ListUsersRequest {
        filter: format!("name={name}"),
        page_size: i32::try_from(page_size).map_err(Failure::broken)?,
        ..Default::default()
    };
    let headers = headers("/user.v1.UserService/ListUsers");
    let request = [PREFACE.to_vec(), headers, data(&message)].concat();
    let wire = async {
        stream.write_all(&request).await?;
        loop {
            let mut header = [0; 9];
            stream.read_exact(&mut header).await?;
            let length =
                usize::from(header[0]) << 16 | usize::from(header[1]) << 8 | usize::from(header[2]);
            let (kind, flags) = (header[3], header[4]);
            if kind == DATA || kind == HEADERS && flags & END_STREAM != 0 {
                return Ok::<_, std::io::Error>(kind);
            }
            let mut payload = vec![0; length];
            stream.read_exact(&mut payload).await?;
        }
    };
    match tokio::time::timeout(GIVE_UP, wire).await {
        Ok(Ok(DATA)) => Ok(stream),
        Ok(Ok(_)) => Err(Failure::mismatch("a message", "a status without one")),
        Ok(Err(error)) => Err(Failure::mismatch("a message", error)),
        Err(_) => Err(Failure::mismatch("a message", "none within 30 s")),
    }
}

async fn connect(port: u16) -> StepResult<TcpStream> {
    let socket = TcpSocket::new_v4().map_err(Failure::broken)?;
    socket
        .set_recv_buffer_size(RECEIVE_BUFFER)
        .map_err(Failure::broken)?;
    socket
        .connect(([127, 0, 0, 1], port).into())
        .await
        .map_err(|error| Failure::mismatch(format!("port {port} takes connections"), error))
}

fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a request is short");
    let mut frame = length.to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags, 0, 0, 0, 1]);
    frame.extend(payload);
    frame
}

/// The request's header block, without compression (RFC 7541, section 6.2.2).
fn headers(path: &str) -> Vec<u8> {
    // `:method: POST` and `:scheme: http` of the static table.
    let mut block = vec![0x83, 0x86];
    for (name, value) in [
        (":path", path),
        (":authority", "localhost"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ] {
        block.push(0);
        for text in [name, value] {
            block.push(u8::try_from(text.len()).expect("a header is short"));
            block.extend(text.as_bytes());
        }
    }
    frame(HEADERS, END_HEADERS, &block)
}

/// A DATA frame with the request's only gRPC message, length-prefixed; it ends the stream.
fn data(message: &impl Message) -> Vec<u8> {
    let message = message.encode_to_vec();
    let length = u32::try_from(message.len()).expect("a request is short");
    let mut payload = vec![0];
    payload.extend(length.to_be_bytes());
    payload.extend(message);
    frame(DATA, END_STREAM, &payload)
}
