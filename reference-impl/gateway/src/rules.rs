//! What the contract says, as one plain value.

use prost_types::Timestamp;
use tonic::Status;

use crate::api::{parse, wire};
use crate::breaker::BreakerRules;
use crate::client::ConnectionRules;
use crate::problem::{self, Problem};
use crate::retry::RetryRules;

/// The decisions of the gateway. [`Rules::default`] is the contract.
#[derive(Clone)]
pub struct Rules {
    /// GWY-6: the longest body.
    pub body_bytes: usize,
    /// GWY-8: a path's id, given its segment as it came.
    pub path_id: fn(&str) -> Option<String>,
    /// GWY-3: the number on the wire, given what stands after `page_size=`.
    pub page_size: fn(&str) -> Option<i32>,
    /// GWY-4: the number on the wire, given a status's name.
    pub status: fn(&str) -> Option<i32>,
    /// GWY-2: how a time is written; none if it cannot be.
    pub timestamp: fn(&Timestamp) -> Option<String>,
    /// GWY-5: the error that a status gives.
    pub problem: fn(&Status) -> Problem,
    /// RES-2
    pub retry: RetryRules,
    /// RES-3, RES-4
    pub breaker: BreakerRules,
    /// RES-5, RES-6
    pub connection: ConnectionRules,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            body_bytes: 1024 * 1024,
            path_id: parse::path_id,
            page_size: parse::page_size,
            status: parse::status,
            timestamp: wire::timestamp,
            problem: problem::of_status,
            retry: RetryRules::default(),
            breaker: BreakerRules::default(),
            connection: ConnectionRules::default(),
        }
    }
}
