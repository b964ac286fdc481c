//! One connection through a link: both directions, as the link's condition wants it.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::watch;

use crate::sandbox::resources;

/// Bytes that one direction moves at once.
const CHUNK: usize = 32 << 10;

/// What a link does with bytes and with new connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Condition {
    #[default]
    Open,
    /// Refuses new connections; those that exist are reset.
    Cut,
    /// Accepts, then silence; those that exist fall silent. Nothing is lost.
    Hung,
    /// Each chunk waits that long.
    Slow(Duration),
}

/// What every connection of a link watches.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LinkState {
    pub(super) condition: Condition,
    /// How many times all connections were reset so far: one that sees another number than at its
    /// beginning ends.
    pub(super) resets: u64,
}

/// The link is gone, or a side of the connection was reset.
struct ConnectionLost;

/// How one direction ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum DirectionEnd {
    /// Its sender closed, and the close was passed on.
    PassedOn,
    /// Its receiver takes nothing any more; what it still sends comes the other way.
    Refused,
}

/// Carries a program's connection until both directions have ended, a reset, or the link's end.
pub(super) async fn carry(
    mut program: TcpStream,
    upstream: SocketAddr,
    state: watch::Receiver<LinkState>,
    resets: u64,
) {
    let mut until_reset = state.clone();
    let reset = async move {
        // An error means that the link is gone.
        let _ = until_reset.wait_for(|it| it.resets != resets).await;
    };
    tokio::pin!(reset);
    let backend = tokio::select! {
        biased;
        () = &mut reset => None,
        backend = connect(&program, upstream, state.clone()) => backend,
    };
    let Some(mut backend) = backend else {
        return abort(&program);
    };
    let ends = {
        let (from_program, to_program) = program.split();
        let (from_backend, to_backend) = backend.split();
        let up = direction(from_program, to_backend, state.clone());
        let down = direction(from_backend, to_program, state.clone());
        tokio::select! {
            biased;
            () = &mut reset => Err(ConnectionLost),
            ends = async { tokio::try_join!(up, down) } => ends,
        }
    };
    if !matches!(ends, Ok((DirectionEnd::PassedOn, DirectionEnd::PassedOn))) {
        abort(&program);
        abort(&backend);
    }
}

/// The other side of a new connection, once the link lets it through.
async fn connect(
    program: &TcpStream,
    upstream: SocketAddr,
    mut state: watch::Receiver<LinkState>,
) -> Option<TcpStream> {
    awake(&mut state).await.ok()?;
    let connected = TcpStream::connect(upstream).await;
    let backend = connected.inspect_err(|error| resources::note(error)).ok()?;
    // Without it the link would add the kernel's waiting for more data; a failure costs only that.
    let _ = program.set_nodelay(true);
    let _ = backend.set_nodelay(true);
    Some(backend)
}

/// Lets the close that follows be a reset.
fn abort(stream: &TcpStream) {
    // It fails only on a socket that is dead already.
    let _ = stream.set_zero_linger();
}

/// Moves one direction to its end and passes the end on.
async fn direction(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    mut state: watch::Receiver<LinkState>,
) -> Result<DirectionEnd, ConnectionLost> {
    let mut buffer = vec![0; CHUNK];
    loop {
        let count = from.read(&mut buffer).await.map_err(|_| ConnectionLost)?;
        delayed(&mut state).await?;
        if count == 0 {
            // It fails only if the receiver is gone, which the other direction sees.
            let _ = to.shutdown().await;
            return Ok(DirectionEnd::PassedOn);
        }
        if deliver(&buffer[..count], &to, &mut state).await? == DirectionEnd::Refused {
            return Ok(DirectionEnd::Refused);
        }
    }
}

/// Waits while the link is silent.
async fn awake(state: &mut watch::Receiver<LinkState>) -> Result<(), ConnectionLost> {
    let silent = |it: &LinkState| matches!(it.condition, Condition::Hung | Condition::Cut);
    if silent(&state.borrow_and_update()) {
        state
            .wait_for(|it| !silent(it))
            .await
            .map_err(|_| ConnectionLost)?;
    }
    Ok(())
}

/// Waits as long as the link lets a chunk wait that comes now.
async fn delayed(state: &mut watch::Receiver<LinkState>) -> Result<(), ConnectionLost> {
    let arrived = Instant::now();
    loop {
        awake(state).await?;
        let Condition::Slow(delay) = state.borrow_and_update().condition else {
            return Ok(());
        };
        // A change cuts the delay short, or makes it another.
        let left = delay.saturating_sub(arrived.elapsed());
        match tokio::time::timeout(left, state.changed()).await {
            Ok(changed) => changed.map_err(|_| ConnectionLost)?,
            Err(_) => return Ok(()),
        }
    }
}

/// Writes all of it, and stops in the middle while the link is silent.
async fn deliver(
    mut bytes: &[u8],
    to: &WriteHalf<'_>,
    state: &mut watch::Receiver<LinkState>,
) -> Result<DirectionEnd, ConnectionLost> {
    while !bytes.is_empty() {
        awake(state).await?;
        match to.try_write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                tokio::select! {
                    changed = state.changed() => changed.map_err(|_| ConnectionLost)?,
                    // What it says comes out at the next attempt.
                    _ = to.writable() => {}
                }
            }
            Err(_) => return Ok(DirectionEnd::Refused),
        }
    }
    Ok(DirectionEnd::PassedOn)
}
