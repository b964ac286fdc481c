//! `grpc.health.v1` with scripted health (GRP-1, HLT-9).

use std::collections::HashMap;
use std::time::Instant;

use bytes::Bytes;
use prost::Message as _;
use tokio::sync::watch;
use tonic::{Code, Status};
pub use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use super::exchange::Exchange;
use super::raw::Raw;
use super::records::HealthCheck;
use super::service;

/// The health of one service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// This status; in a Watch too.
    Is(ServingStatus),
    /// Check fails with this code; Watch ends with it, but for `NOT_FOUND` says `SERVICE_UNKNOWN`.
    Fails(Code),
    /// Check and Watch get no answer.
    NeverAnswers,
}

/// The health of all services.
#[derive(Debug)]
pub struct HealthTable {
    all: watch::Sender<HashMap<String, Health>>,
}

impl Default for HealthTable {
    fn default() -> Self {
        let serving = |it: &str| (it.to_owned(), Health::Is(ServingStatus::Serving));
        let all = [serving(""), serving(user_proto::SERVICE_NAME)];
        Self {
            all: watch::Sender::new(HashMap::from(all)),
        }
    }
}

impl HealthTable {
    /// Sets the health of a service from now on.
    pub fn set(&self, service: &str, health: Health) {
        self.all.send_modify(|all| {
            all.insert(service.to_owned(), health);
        });
    }

    /// Answers one Check or Watch.
    pub async fn answer(&self, exchange: Exchange, method: &str, body: &Bytes) {
        let watch = method == "Watch";
        if !watch && method != "Check" {
            let status = Status::unimplemented(format!("{method} is not served"));
            return exchange.send(&Raw::reply(Err(status))).await;
        }
        let service = match service::decode::<HealthCheckRequest>(body) {
            Ok(asked) => asked.service,
            Err(status) => return exchange.send(&Raw::reply(Err(status))).await,
        };
        let control = exchange.control();
        control.records().checked(HealthCheck {
            service: service.clone(),
            watch,
            at: Instant::now(),
            connection: control.number(),
        });
        if watch {
            self.watch(exchange, &service).await;
        } else {
            self.check(exchange, &service).await;
        }
    }

    async fn check(&self, exchange: Exchange, service: &str) {
        let health = health(&self.all.borrow(), service);
        let reply = match health {
            Health::Is(status) => Ok(message(status)),
            Health::Fails(code) => Err(failure(code)),
            Health::NeverAnswers => return exchange.hold().await,
        };
        exchange.send(&Raw::reply(reply)).await;
    }

    /// Sends each status that differs from the previous one.
    async fn watch(&self, mut exchange: Exchange, service: &str) {
        let mut all = self.all.subscribe();
        let mut last = None;
        loop {
            let health = health(&all.borrow_and_update(), service);
            let status = match health {
                Health::Is(status) => Some(status),
                Health::Fails(Code::NotFound) => Some(ServingStatus::ServiceUnknown),
                Health::Fails(code) => return exchange.end(&failure(code)).await,
                // A Watch that is open breaks: what it said last would stand otherwise.
                Health::NeverAnswers if last.is_some() => {
                    return exchange.end(&failure(Code::Unavailable)).await;
                }
                Health::NeverAnswers => None,
            };
            if let Some(status) = status
                && last.replace(status) != Some(status)
                && exchange.say(&message(status)).is_err()
            {
                return;
            }
            // The sender is in `self`: there is always a next change to wait for.
            if exchange.outlives(all.changed()).await.is_none() {
                return;
            }
        }
    }
}

fn failure(code: Code) -> Status {
    Status::new(code, "scripted failure of the health service")
}

fn health(all: &HashMap<String, Health>, service: &str) -> Health {
    let known = all.get(service).copied();
    known.unwrap_or(Health::Fails(Code::NotFound))
}

fn message(status: ServingStatus) -> Bytes {
    let answer = HealthCheckResponse {
        status: status as i32,
    };
    answer.encode_to_vec().into()
}
