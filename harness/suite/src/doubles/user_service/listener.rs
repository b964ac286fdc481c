//! The port, and the connections that were accepted on it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use conformance_engine::failure::{Failure, StepResult};
use conformance_engine::observe::elapse;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use super::Inside;
use super::connection;
use super::line::Line;

/// A port on which connections are accepted, at times. Dropping it ends them all.
#[derive(Debug)]
pub struct Listener {
    address: SocketAddr,
    /// The task that accepts, while there is one.
    accepting: Mutex<Option<JoinHandle<()>>>,
    connections: Arc<Mutex<Connections>>,
}

/// The connections that are open.
#[derive(Debug, Default)]
struct Connections {
    tasks: JoinSet<()>,
    lines: Vec<Weak<Line>>,
}

impl Listener {
    /// Accepts connections on this port of 127.0.0.1; 0 is any that is free.
    pub async fn start(port: u16, inside: Arc<Inside>) -> StepResult<Self> {
        let listener = bind((Ipv4Addr::LOCALHOST, port).into()).await?;
        let this = Self {
            address: listener.local_addr().map_err(Failure::broken)?,
            accepting: Mutex::default(),
            connections: Arc::default(),
        };
        this.accept(listener, inside);
        Ok(this)
    }

    /// Where it listens, or did.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts no more; connections that are open stay so.
    pub async fn refuse(&self) {
        let accepting = lock(&self.accepting).take();
        if let Some(task) = accepting {
            task.abort();
            // It ends by this, and its port is closed when it has.
            let _ = task.await;
        }
    }

    /// Accepts again, unless it does.
    pub async fn come_back(&self, inside: Arc<Inside>) -> StepResult {
        if lock(&self.accepting).is_none() {
            self.accept(bind(self.address).await?, inside);
        }
        Ok(())
    }

    /// Closes the connections that are open.
    pub async fn close_connections(&self) {
        let mut connections = std::mem::take(&mut *lock(&self.connections));
        connections.tasks.shutdown().await;
    }

    /// Nothing goes out on the connections that are open.
    pub fn silence_connections(&self) {
        for line in &lock(&self.connections).lines {
            if let Some(line) = line.upgrade() {
                line.fall_silent();
            }
        }
    }

    fn accept(&self, listener: TcpListener, inside: Arc<Inside>) {
        let task = tokio::spawn(accept(listener, Arc::clone(&self.connections), inside));
        *lock(&self.accepting) = Some(task);
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(task) = lock(&self.accepting).take() {
            task.abort();
        }
        lock(&self.connections).tasks.abort_all();
    }
}

async fn bind(address: SocketAddr) -> StepResult<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        Failure::broken(format!(
            "the user service's double cannot listen on {address}: {error}; \
             another program may have taken the port"
        ))
    })
}

async fn accept(listener: TcpListener, connections: Arc<Mutex<Connections>>, inside: Arc<Inside>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // A connection that its client has closed already, or no file left for one.
            elapse(Duration::from_millis(5)).await;
            continue;
        };
        let line = Arc::new(Line::new(inside.records.clone()));
        let mut connections = lock(&connections);
        while connections.tasks.try_join_next().is_some() {}
        connections.lines.retain(|it| it.strong_count() > 0);
        connections.lines.push(Arc::downgrade(&line));
        let serving = connection::serve(stream, line, inside.clone());
        connections.tasks.spawn(serving);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
