//! When a connection ends, and how. [`ConnectionRules::default`] is the contract.

use std::time::Duration;

use futures::future::BoxFuture;

use super::calls::Calls;
use super::pings::PingRules;

/// The decisions about one connection.
#[derive(Clone, Copy)]
pub struct ConnectionRules {
    /// GRP-4: waits until the connection is too old, whatever runs on it.
    pub old: fn(Calls, Duration) -> BoxFuture<'static, ()>,
    /// GRP-4: waits until the connection was without a running call for so long.
    pub idle: fn(Calls, Duration) -> BoxFuture<'static, ()>,
    /// GRP-4: tells the client to make no new calls, by what it is given: it sends GOAWAY.
    pub close: fn(&mut dyn FnMut()),
    /// GRP-5
    pub pings: PingRules,
}

impl Default for ConnectionRules {
    fn default() -> Self {
        Self {
            old: |_, age| Box::pin(tokio::time::sleep(age)),
            idle: |calls, time| Box::pin(async move { calls.none_for(time).await }),
            close: |go_away| go_away(),
            pings: PingRules::default(),
        }
    }
}
