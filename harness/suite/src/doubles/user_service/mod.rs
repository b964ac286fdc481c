//! A user service that answers by the contract or by a script: the peer of a gateway under test.
//!
//! - [`raw`], [`answer`]: answers to a call
//! - [`script`], [`script_text`]: which call gets which answer, and its notation in features
//! - [`store`], [`service`]: answers by the contract, over users in memory
//! - [`records`]: received calls and connections
//! - [`waits`]: waiting for calls and their ends
//! - [`invalid_answers`]: answers that no user service may give
//! - [`connection_control`]: what a connection has to do, and what its frames report
//! - [`exchange`]: one call on a connection
//! - [`health`]: the health protocol
//! - [`connection`]: HTTP/2 on a connection
//! - [`listener`]: the port, and the connections that were accepted

pub mod answer;
mod connection;
mod connection_control;
mod exchange;
pub mod health;
pub mod invalid_answers;
mod listener;
pub mod raw;
pub mod records;
pub mod script;
pub mod script_text;
mod service;
pub mod store;
#[cfg(test)]
mod tests;
mod waits;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use conformance_engine::failure::StepResult;

use self::answer::ScriptedAnswer;
use self::health::{Health, HealthTable};
use self::listener::Listener;
use self::records::{HealthCheck, ReceivedCall, ReceivedConnection, Records};
use self::script::{Script, Scripts};
use self::store::Store;

/// A user service on a port of this machine. Dropping it ends it and closes its connections.
///
/// It enforces no deadline: what becomes of a call that takes too long is its client's affair.
#[derive(Debug)]
pub struct UserServiceDouble {
    shared: Arc<Shared>,
    listener: Listener,
}

/// State that all connections share.
#[derive(Debug, Default)]
struct Shared {
    store: Store,
    scripts: Mutex<Scripts>,
    health_table: HealthTable,
    records: Arc<Records>,
}

impl Shared {
    /// Records a call and takes its answer in one step, so that both have the same order.
    fn take_in(&self, call: ReceivedCall) -> ScriptedAnswer {
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
        let shared = Arc::default();
        let listener = Listener::start(port, Arc::clone(&shared)).await?;
        Ok(Self { shared, listener })
    }

    /// Its address, also while it is stopped.
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// Appends answers for the next `UserService` calls. Each call takes one answer when it has arrived;
    /// without any, it is answered by the contract.
    pub fn script(&self, script: impl Into<Script>) {
        self.append(None, script.into());
    }

    /// The same for calls with this `x-request-id` alone; it takes precedence over the script for all calls.
    pub fn script_for(&self, request_id: &str, script: impl Into<Script>) {
        self.append(Some(request_id), script.into());
    }

    /// Sets the answer of calls for which a script has no answer.
    pub fn otherwise(&self, answer: ScriptedAnswer) {
        let otherwise = Some(answer);
        self.script(Script {
            otherwise,
            ..Script::default()
        });
    }

    /// Removes all scripts: later calls are answered by the contract.
    pub fn forget_scripts(&self) {
        let scripts = self.shared.scripts.lock();
        *scripts.unwrap_or_else(PoisonError::into_inner) = Scripts::default();
    }

    fn append(&self, request_id: Option<&str>, script: Script) {
        let scripts = self.shared.scripts.lock();
        let mut scripts = scripts.unwrap_or_else(PoisonError::into_inner);
        scripts.append(request_id, script);
    }

    /// Sets the health of a service; `""` is the whole server (GRP-1).
    pub fn set_health(&self, service: &str, health: Health) {
        self.shared.health_table.set(service, health);
    }

    /// The `UserService` calls so far, in the order of their arrival, which is that of their answers
    /// in the script. Calls that a GOAWAY had excluded before they arrived do not count.
    pub fn calls(&self) -> Vec<ReceivedCall> {
        self.shared.records.calls()
    }

    /// Forgets the calls so far, the open ones too.
    pub fn forget_calls(&self) {
        self.shared.records.forget_calls();
    }

    /// The calls of the health service so far.
    pub fn health_checks(&self) -> Vec<HealthCheck> {
        self.shared.records.health_checks()
    }

    /// The connections so far, closed ones too, in the order of their opening.
    pub fn connections(&self) -> Vec<ReceivedConnection> {
        self.shared.records.connections()
    }

    /// Refuses new connections; open ones stay.
    #[cfg(test)]
    pub async fn refuse_connections(&self) {
        self.listener.refuse().await;
    }

    /// Closes all open connections; new ones are accepted.
    #[cfg(test)]
    pub async fn close_connections(&self) {
        self.listener.close_connections().await;
    }

    /// Sends nothing more on the open connections, as if the machine were gone; what arrives is still recorded (RES-6).
    pub fn silence_connections(&self) {
        self.listener.silence_connections();
    }

    /// Refuses new connections and closes the open ones: the service is stopped. Its users stay.
    pub async fn stop(&self) {
        self.listener.refuse().await;
        self.listener.close_connections().await;
    }

    /// Listens again, on the same port.
    pub async fn resume(&self) -> StepResult {
        self.listener.resume(Arc::clone(&self.shared)).await
    }
}
