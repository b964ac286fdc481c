//! A user service that answers as the contract says, or as it is told: what a gateway under test
//! has behind it.
//!
//! - [`answer`], [`raw`]: what a call can be answered with
//! - [`script`], [`prose`]: which call gets which answer, and how features say it
//! - [`records`]: what was received
//! - [`health`]: the health protocol
//! - [`service`], [`store`]: what the contract answers, over users in memory
//! - [`listener`]: the port, and the connections that were accepted
//! - [`connection`], [`exchange`]: HTTP/2 on a connection, and one call on it
//! - [`mod@line`]: what shall happen to a connection, and what its frames tell

pub mod answer;
mod connection;
mod exchange;
pub mod health;
mod line;
mod listener;
pub mod prose;
pub mod raw;
pub mod records;
pub mod script;
mod service;
pub mod store;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use conformance_engine::failure::StepResult;

use self::answer::Answer;
use self::health::{Health, Healths};
use self::listener::Listener;
use self::records::{HealthCheck, ReceivedCall, ReceivedConnection, Records};
use self::script::{Script, Scripts};
use self::store::Store;

/// A user service on a port of this machine. Dropping it ends it and closes its connections.
///
/// It enforces no deadline: what becomes of a call that takes too long is its client's affair.
#[derive(Debug)]
pub struct UserServiceDouble {
    inside: Arc<Inside>,
    listener: Listener,
}

/// What all connections share.
#[derive(Debug, Default)]
struct Inside {
    store: Store,
    scripts: Mutex<Scripts>,
    healths: Healths,
    records: Arc<Records>,
}

impl Inside {
    /// Writes a call down and takes its answer: in one step, so that both have the same order.
    fn take_in(&self, call: ReceivedCall) -> Answer {
        let scripts = self.scripts.lock();
        let mut scripts = scripts.unwrap_or_else(PoisonError::into_inner);
        let answer = scripts.next(call.request_id());
        self.records.received(call);
        answer
    }
}

impl UserServiceDouble {
    /// Serves on a port of 127.0.0.1; 0 is any that is free.
    pub async fn start(port: u16) -> StepResult<Self> {
        let inside = Arc::default();
        let listener = Listener::start(port, Arc::clone(&inside)).await?;
        Ok(Self { inside, listener })
    }

    /// Where it serves, or did until it was stopped.
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// Tells what the next `UserService` calls get, after what was told before. Each call takes one
    /// answer when it has arrived; without any, it gets what the contract says.
    pub fn script(&self, script: impl Into<Script>) {
        self.append(None, script.into());
    }

    /// The same for calls with this `x-request-id` alone; it goes before the script for all.
    pub fn script_for(&self, request_id: &str, script: impl Into<Script>) {
        self.append(Some(request_id), script.into());
    }

    /// Tells what calls get for which there is no answer in a script.
    pub fn otherwise(&self, answer: Answer) {
        let otherwise = Some(answer);
        self.script(Script {
            otherwise,
            ..Script::default()
        });
    }

    /// Forgets all scripts: calls that arrive from now on get what the contract says.
    pub fn forget_scripts(&self) {
        let scripts = self.inside.scripts.lock();
        *scripts.unwrap_or_else(PoisonError::into_inner) = Scripts::default();
    }

    fn append(&self, request_id: Option<&str>, script: Script) {
        let scripts = self.inside.scripts.lock();
        let mut scripts = scripts.unwrap_or_else(PoisonError::into_inner);
        scripts.append(request_id, script);
    }

    /// Tells what the health service says of a service; `""` is the whole server (GRP-1).
    pub fn set_health(&self, service: &str, health: Health) {
        self.inside.healths.set(service, health);
    }

    /// The `UserService` calls so far, in the order of their arrival, which is that of their answers
    /// in the script. Calls that a GOAWAY had ruled out before they arrived are none.
    pub fn calls(&self) -> Vec<ReceivedCall> {
        self.inside.records.calls()
    }

    /// Forgets the calls so far, the open ones too.
    pub fn forget_calls(&self) {
        self.inside.records.forget_calls();
    }

    /// The calls of the health service so far.
    pub fn health_checks(&self) -> Vec<HealthCheck> {
        self.inside.records.health_checks()
    }

    /// The connections so far, closed ones too, in the order of their opening.
    pub fn connections(&self) -> Vec<ReceivedConnection> {
        self.inside.records.connections()
    }

    /// Takes no new connections, as if nobody listened; those that are open go on.
    #[cfg(test)]
    pub async fn refuse_connections(&self) {
        self.listener.refuse().await;
    }

    /// Closes all open connections; new ones are welcome.
    #[cfg(test)]
    pub async fn close_connections(&self) {
        self.listener.close_connections().await;
    }

    /// On the connections that are open, nothing is sent any more, as if the machine behind them
    /// were gone; what arrives is still seen (RES-6).
    pub fn silence_connections(&self) {
        self.listener.silence_connections();
    }

    /// Takes no new connections and closes the open ones: the service is stopped. Its users stay.
    pub async fn stop(&self) {
        self.listener.refuse().await;
        self.listener.close_connections().await;
    }

    /// Listens again, on the same port.
    pub async fn come_back(&self) -> StepResult {
        self.listener.come_back(Arc::clone(&self.inside)).await
    }
}
