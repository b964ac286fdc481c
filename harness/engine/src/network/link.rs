//! A TCP link between a program and a backend.
//!
//! A program attaches to the link's address as if it were the backend's. An outage is a change of
//! the link's condition: quick, exact, and nobody else feels it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot, watch};

use crate::subject::ports::{Port, Ports};

/// Bytes that one direction moves at once.
const CHUNK: usize = 32 << 10;

/// What a link does with bytes and with new connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    Open,
    /// Refuses new connections; those that exist are reset.
    Cut,
    /// Accepts, then silence; those that exist fall silent. Nothing is lost.
    Hung,
    /// Each chunk waits that long.
    Slow(Duration),
}

/// One listening port in front of one backend. Dropping it ends its connections.
#[derive(Debug)]
pub struct Link {
    address: SocketAddr,
    orders: mpsc::Sender<Order>,
    counts: Arc<Counts>,
    /// Held so that nobody else gets the port while the link is cut.
    _port: Port,
}

#[derive(Debug, Default)]
struct Counts {
    open: AtomicUsize,
    accepted: AtomicU64,
}

enum Order {
    Become(Condition, oneshot::Sender<()>),
    Reset(oneshot::Sender<()>),
}

/// What every connection of a link watches: its condition, and the number of resets so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    condition: Condition,
    resets: u64,
}

impl Link {
    /// A link to `upstream`, on a port of its own on 127.0.0.1.
    pub async fn open(ports: &Ports, upstream: SocketAddr) -> io::Result<Self> {
        let port = ports.take()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port.number()));
        let listener = TcpListener::bind(address).await?;
        let (orders, inbox) = mpsc::channel(4);
        let counts = Arc::<Counts>::default();
        let (state, _) = watch::channel(State {
            condition: Condition::Open,
            resets: 0,
        });
        let keeper = Keeper {
            address,
            upstream,
            state,
            counts: counts.clone(),
        };
        tokio::spawn(keeper.run(listener, inbox));
        Ok(Self {
            address,
            orders,
            counts,
            _port: port,
        })
    }

    /// Where programs attach.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// New connections are refused, existing ones reset.
    pub async fn cut(&self) {
        self.become_(Condition::Cut).await;
    }

    /// New connections are accepted and hear nothing, existing ones fall silent.
    pub async fn hang(&self) {
        self.become_(Condition::Hung).await;
    }

    /// Every chunk is delayed by that much, in both directions.
    pub async fn slow(&self, delay: Duration) {
        self.become_(Condition::Slow(delay)).await;
    }

    /// As at the beginning; what was silent carries on.
    pub async fn restore(&self) {
        self.become_(Condition::Open).await;
    }

    /// Existing connections are reset, new ones are welcome.
    pub async fn reset(&self) {
        let (done, wait) = oneshot::channel();
        if self.orders.send(Order::Reset(done)).await.is_ok() {
            let _ = wait.await;
        }
    }

    /// Connections of programs that are open now.
    pub fn open_connections(&self) -> usize {
        self.counts.open.load(Ordering::Relaxed)
    }

    /// Connections that were ever accepted.
    pub fn accepted(&self) -> u64 {
        self.counts.accepted.load(Ordering::Relaxed)
    }

    async fn become_(&self, condition: Condition) {
        let (done, wait) = oneshot::channel();
        if self.orders.send(Order::Become(condition, done)).await.is_ok() {
            let _ = wait.await;
        }
    }
}

/// Owns the listener; ends when the link is dropped, and with it every connection.
struct Keeper {
    address: SocketAddr,
    upstream: SocketAddr,
    state: watch::Sender<State>,
    counts: Arc<Counts>,
}

impl Keeper {
    async fn run(self, listener: TcpListener, mut inbox: mpsc::Receiver<Order>) {
        let mut listener = Some(listener);
        loop {
            tokio::select! {
                order = inbox.recv() => match order {
                    None => return,
                    Some(order) => self.obey(order, &mut listener).await,
                },
                accepted = accept(listener.as_ref()) => {
                    if let Ok(program) = accepted {
                        self.serve(program);
                    }
                }
            }
        }
    }

    async fn obey(&self, order: Order, listener: &mut Option<TcpListener>) {
        let done = match order {
            Order::Become(condition, done) => {
                if condition == Condition::Cut {
                    *listener = None;
                } else if listener.is_none() {
                    // The port is the link's, so binding fails only if somebody ignores the allocator.
                    *listener = TcpListener::bind(self.address).await.ok();
                }
                self.state.send_modify(|it| {
                    it.condition = condition;
                    it.resets += u64::from(condition == Condition::Cut);
                });
                done
            }
            Order::Reset(done) => {
                self.state.send_modify(|it| it.resets += 1);
                done
            }
        };
        let _ = done.send(());
    }

    fn serve(&self, program: TcpStream) {
        self.counts.accepted.fetch_add(1, Ordering::Relaxed);
        let open = Open::new(self.counts.clone());
        let state = self.state.subscribe();
        let upstream = self.upstream;
        tokio::spawn(async move {
            let _open = open;
            connection(program, upstream, state).await;
        });
    }
}

async fn accept(listener: Option<&TcpListener>) -> io::Result<TcpStream> {
    match listener {
        Some(listener) => listener.accept().await.map(|it| it.0),
        None => std::future::pending().await,
    }
}

/// Counts a connection as long as it lives.
struct Open(Arc<Counts>);

impl Open {
    fn new(counts: Arc<Counts>) -> Self {
        counts.open.fetch_add(1, Ordering::Relaxed);
        Self(counts)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// One connection, until both directions have ended, a reset, or the end of the link.
async fn connection(mut program: TcpStream, upstream: SocketAddr, mut state: watch::Receiver<State>) {
    let _ = program.set_nodelay(true);
    let resets = state.borrow().resets;
    let mut until_reset = state.clone();
    let reset = async move {
        // An error means that the link is gone.
        let _ = until_reset.wait_for(|it| it.resets != resets).await;
    };
    let carried = async {
        awake(&mut state).await?;
        let backend = TcpStream::connect(upstream).await.ok()?;
        let _ = backend.set_nodelay(true);
        Some(backend)
    };
    tokio::pin!(reset);
    let backend = tokio::select! {
        () = &mut reset => return abort(&program),
        backend = carried => backend,
    };
    let Some(mut backend) = backend else {
        return abort(&program);
    };
    let was_reset = {
        let (from_program, to_program) = program.split();
        let (from_backend, to_backend) = backend.split();
        let up = carry(from_program, to_backend, state.clone());
        let down = carry(from_backend, to_program, state.clone());
        tokio::select! {
            () = &mut reset => true,
            _ = async { tokio::join!(up, down) } => false,
        }
    };
    if was_reset {
        abort(&program);
        abort(&backend);
    }
}

/// Waits while the link hangs; `None` when it is gone.
async fn awake(state: &mut watch::Receiver<State>) -> Option<()> {
    state.wait_for(|it| it.condition != Condition::Hung).await.ok()?;
    Some(())
}

/// Lets the close that follows be a reset.
fn abort(stream: &TcpStream) {
    let _ = stream.set_zero_linger();
}

/// Moves one direction to its end and passes the end on.
async fn carry(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, mut state: watch::Receiver<State>) {
    let mut buffer = vec![0; CHUNK];
    loop {
        let Ok(count @ 1..) = from.read(&mut buffer).await else { break };
        if awake(&mut state).await.is_none() {
            return;
        }
        let condition = state.borrow().condition;
        if let Condition::Slow(delay) = condition {
            tokio::time::sleep(delay).await;
        }
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
    if awake(&mut state).await.is_some() {
        let _ = to.shutdown().await;
    }
}
