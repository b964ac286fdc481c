//! The port, and the connections that were accepted on it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use conformance_engine::failure::{Failure, StepResult};
use conformance_engine::observe::elapse;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use super::Shared;
use super::connection;
use super::connection_control::ConnectionControl;

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
    controls: Vec<Weak<ConnectionControl>>,
}

impl Listener {
    /// Accepts connections on this port of 127.0.0.1; 0 is any that is free.
    pub async fn start(port: u16, shared: Arc<Shared>) -> StepResult<Self> {
        let listener = bind((Ipv4Addr::LOCALHOST, port).into()).await?;
        let this = Self {
            address: listener.local_addr().map_err(Failure::broken)?,
            accepting: Mutex::default(),
            connections: Arc::default(),
        };
        this.accept(listener, shared);
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
    pub async fn resume(&self, shared: Arc<Shared>) -> StepResult {
        if lock(&self.accepting).is_none() {
            self.accept(bind(self.address).await?, shared);
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
        for control in &lock(&self.connections).controls {
            if let Some(control) = control.upgrade() {
                control.mute();
            }
        }
    }

    fn accept(&self, listener: TcpListener, shared: Arc<Shared>) {
        let task = tokio::spawn(accept(listener, Arc::clone(&self.connections), shared));
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

async fn accept(listener: TcpListener, connections: Arc<Mutex<Connections>>, shared: Arc<Shared>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // A connection that its client has closed already, or no file left for one.
            elapse(Duration::from_millis(5)).await;
            continue;
        };
        let control = Arc::new(ConnectionControl::new(shared.records.clone()));
        let mut connections = lock(&connections);
        while connections.tasks.try_join_next().is_some() {}
        connections.controls.retain(|it| it.strong_count() > 0);
        connections.controls.push(Arc::downgrade(&control));
        let serving = connection::serve(stream, control, shared.clone());
        connections.tasks.spawn(serving);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
