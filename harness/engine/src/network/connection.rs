//! One connection through a link: forwards both directions as the link's condition permits.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::watch;

use crate::sandbox::exhaustion;

/// Maximum number of bytes that are read and forwarded together.
const CHUNK_SIZE: usize = 32 << 10;

/// What a link does with bytes and with new connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Condition {
    /// Forwards bytes immediately.
    #[default]
    Open,
    /// Refuses new connections; existing ones are reset.
    Cut,
    /// Accepts connections but forwards nothing until the condition changes; no byte is lost.
    Hung,
    /// Delays each chunk by this duration.
    Slow(Duration),
}

/// The state of a link, watched by all of its connections.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LinkState {
    pub(super) condition: Condition,
    /// Number of resets so far. A connection ends when this differs from its value at the connection's start.
    pub(super) resets: u64,
}

/// The link was dropped, or a side of the connection was reset.
struct ConnectionLost;

/// How one direction ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum DirectionEnd {
    /// The sender closed, and the close was forwarded.
    Forwarded,
    /// The receiver accepts no more bytes; it may still send in the other direction.
    Refused,
}

/// Forwards a program's connection until both directions have ended, the link is reset, or the link is dropped.
pub(super) async fn forward(
    mut program: TcpStream,
    upstream: SocketAddr,
    state: watch::Receiver<LinkState>,
    resets: u64,
) {
    let mut until_reset = state.clone();
    let reset = async move {
        // It fails only if the link was dropped.
        let _ = until_reset.wait_for(|state| state.resets != resets).await;
    };
    tokio::pin!(reset);
    let backend = tokio::select! {
        biased;
        () = &mut reset => None,
        backend = connect(&program, upstream, state.clone()) => backend,
    };
    let Some(mut backend) = backend else {
        return reset_on_close(&program);
    };
    let ends = {
        let (from_program, to_program) = program.split();
        let (from_backend, to_backend) = backend.split();
        let up = forward_direction(from_program, to_backend, state.clone());
        let down = forward_direction(from_backend, to_program, state.clone());
        tokio::select! {
            biased;
            () = &mut reset => Err(ConnectionLost),
            ends = async { tokio::try_join!(up, down) } => ends,
        }
    };
    if !matches!(ends, Ok((DirectionEnd::Forwarded, DirectionEnd::Forwarded))) {
        reset_on_close(&program);
        reset_on_close(&backend);
    }
}

/// Connects to the backend once the link permits; `None` if that fails or the link was dropped.
async fn connect(
    program: &TcpStream,
    upstream: SocketAddr,
    mut state: watch::Receiver<LinkState>,
) -> Option<TcpStream> {
    wait_until_forwarding(&mut state).await.ok()?;
    let connected = TcpStream::connect(upstream).await;
    let backend = connected
        .inspect_err(|error| exhaustion::record(error))
        .ok()?;
    // Without it Nagle's algorithm would delay small writes; a failure costs only that.
    let _ = program.set_nodelay(true);
    let _ = backend.set_nodelay(true);
    Some(backend)
}

/// Makes the stream send a reset when it is dropped.
fn reset_on_close(stream: &TcpStream) {
    // It fails only if the socket is closed already.
    let _ = stream.set_zero_linger();
}

/// Forwards one direction, including its close.
async fn forward_direction(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    mut state: watch::Receiver<LinkState>,
) -> Result<DirectionEnd, ConnectionLost> {
    let mut buffer = vec![0; CHUNK_SIZE];
    loop {
        let count = from.read(&mut buffer).await.map_err(|_| ConnectionLost)?;
        wait_for_delay(&mut state).await?;
        if count == 0 {
            // It fails only if the receiver has closed, which the other direction notices.
            let _ = to.shutdown().await;
            return Ok(DirectionEnd::Forwarded);
        }
        if write_all(&buffer[..count], &to, &mut state).await? == DirectionEnd::Refused {
            return Ok(DirectionEnd::Refused);
        }
    }
}

/// Waits while the link is hung or cut.
async fn wait_until_forwarding(
    state: &mut watch::Receiver<LinkState>,
) -> Result<(), ConnectionLost> {
    let is_blocked =
        |state: &LinkState| matches!(state.condition, Condition::Hung | Condition::Cut);
    if is_blocked(&state.borrow_and_update()) {
        state
            .wait_for(|state| !is_blocked(state))
            .await
            .map_err(|_| ConnectionLost)?;
    }
    Ok(())
}

/// Waits for the link's delay of a chunk that has just arrived.
async fn wait_for_delay(state: &mut watch::Receiver<LinkState>) -> Result<(), ConnectionLost> {
    let arrived = Instant::now();
    loop {
        wait_until_forwarding(state).await?;
        let Condition::Slow(delay) = state.borrow_and_update().condition else {
            return Ok(());
        };
        // A change of the condition ends or replaces the delay.
        let left = delay.saturating_sub(arrived.elapsed());
        match tokio::time::timeout(left, state.changed()).await {
            Ok(changed) => changed.map_err(|_| ConnectionLost)?,
            Err(_) => return Ok(()),
        }
    }
}

/// Writes all bytes, pausing while the link is hung or cut.
async fn write_all(
    mut bytes: &[u8],
    to: &WriteHalf<'_>,
    state: &mut watch::Receiver<LinkState>,
) -> Result<DirectionEnd, ConnectionLost> {
    while !bytes.is_empty() {
        wait_until_forwarding(state).await?;
        match to.try_write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                tokio::select! {
                    changed = state.changed() => changed.map_err(|_| ConnectionLost)?,
                    // An error shows at the next attempt to write.
                    _ = to.writable() => {}
                }
            }
            Err(_) => return Ok(DirectionEnd::Refused),
        }
    }
    Ok(DirectionEnd::Forwarded)
}
