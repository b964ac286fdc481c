//! HLT-9: what the health of the user service is taken for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use gateway::dependencies::Dependencies;
use gateway::request_context::RequestContext;
use platform::health::{Check, Unwell};
use tonic::Status;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use super::replaced;
use crate::entry::Entry;
use crate::upstream::{Around, Try, twist};

pub fn entries() -> Vec<Entry> {
    let asked =
        |id, wrong, asks: Asks| replaced(id, "HLT-9", wrong, move |it| check(it, Arc::new(asks)));
    vec![
        asked(
            "gateway-health-of-the-server",
            "it asks for the health of the server as a whole",
            Asks {
                service: "",
                well: |answer| answer == Ok(1),
            },
        ),
        asked(
            "gateway-health-any-answer",
            "any answer of the health service is a good one",
            Asks {
                service: user_proto::SERVICE_NAME,
                well: |answer| answer.is_ok(),
            },
        ),
        asked(
            "gateway-health-not-not-serving",
            "only NOT_SERVING is unhealthy",
            Asks {
                service: user_proto::SERVICE_NAME,
                well: |answer| answer.is_ok_and(|it| it != 2),
            },
        ),
        asked(
            "gateway-health-errors-are-fine",
            "a health service that fails is a good one",
            Asks {
                service: user_proto::SERVICE_NAME,
                well: |answer| answer.is_err() || answer == Ok(1),
            },
        ),
        replaced(
            "gateway-health-of-calls",
            "HLT-9",
            "it is unhealthy after a call that failed",
            |it| {
                let failed = Arc::new(AtomicBool::new(false));
                twist(it, Failing(failed.clone()));
                let inner = it.components[0].check.clone();
                check(it, Arc::new(Told { inner, failed }));
            },
        ),
        replaced(
            "gateway-health-once-and-for-all",
            "HLT-9",
            "once unhealthy, it stays so",
            |it| {
                let inner = it.components[0].check.clone();
                check(
                    it,
                    Arc::new(ForAll {
                        inner,
                        was: AtomicBool::new(false),
                    }),
                );
            },
        ),
    ]
}

/// No call is made while the component is unhealthy.
pub fn calls_heed_health(dependencies: &mut Dependencies) {
    let unwell = Arc::new(AtomicBool::new(false));
    let inner = dependencies.components[0].check.clone();
    check(
        dependencies,
        Arc::new(Noted {
            inner,
            unwell: unwell.clone(),
        }),
    );
    twist(dependencies, Heeding(unwell));
}

fn check(dependencies: &mut Dependencies, check: Arc<dyn Check>) {
    dependencies.components[0].check = check;
}

/// The status that Check answers, or that it failed.
type Answer = Result<i32, ()>;

/// Asks for the health of a service, and takes some answers for good ones.
struct Asks {
    service: &'static str,
    well: fn(Answer) -> bool,
}

#[async_trait]
impl Check for Asks {
    async fn check(&self) -> Result<(), Unwell> {
        let address = std::env::var("USER_SERVICE_ADDR").unwrap_or_default();
        let endpoint = Endpoint::from_shared(address).map_err(|_| Unwell("no address"))?;
        let channel = endpoint.connect().await;
        let channel = channel.map_err(|_| Unwell("cannot connect"))?;
        let mut client = HealthClient::new(channel);
        let service = self.service.to_owned();
        let answer = client.check(HealthCheckRequest { service }).await;
        let answer = answer.map(|it| it.into_inner().status).map_err(|_| ());
        (self.well)(answer)
            .then_some(())
            .ok_or(Unwell("not serving"))
    }
}

/// Notes that a call failed.
struct Failing(Arc<AtomicBool>);

#[async_trait]
impl Around for Failing {
    async fn make<T: Send>(&self, context: &RequestContext, send: Try<'_, T>) -> Result<T, Status> {
        let answer = send(context.clone()).await;
        self.0.store(answer.is_err(), Ordering::Relaxed);
        answer
    }
}

/// Unwell after a call that failed.
struct Told {
    inner: Arc<dyn Check>,
    failed: Arc<AtomicBool>,
}

#[async_trait]
impl Check for Told {
    async fn check(&self) -> Result<(), Unwell> {
        if self.failed.load(Ordering::Relaxed) {
            return Err(Unwell("a call failed"));
        }
        self.inner.check().await
    }
}

/// Unwell for ever once it was.
struct ForAll {
    inner: Arc<dyn Check>,
    was: AtomicBool,
}

#[async_trait]
impl Check for ForAll {
    async fn check(&self) -> Result<(), Unwell> {
        if self.was.load(Ordering::Relaxed) {
            return Err(Unwell("it was unwell"));
        }
        let answer = self.inner.check().await;
        self.was.store(answer.is_err(), Ordering::Relaxed);
        answer
    }
}

/// Notes how the newest check went.
struct Noted {
    inner: Arc<dyn Check>,
    unwell: Arc<AtomicBool>,
}

#[async_trait]
impl Check for Noted {
    async fn check(&self) -> Result<(), Unwell> {
        let answer = self.inner.check().await;
        self.unwell.store(answer.is_err(), Ordering::Relaxed);
        answer
    }
}

/// Makes no call while the newest check went wrong.
struct Heeding(Arc<AtomicBool>);

#[async_trait]
impl Around for Heeding {
    async fn make<T: Send>(&self, context: &RequestContext, send: Try<'_, T>) -> Result<T, Status> {
        if self.0.load(Ordering::Relaxed) {
            return Err(Status::unavailable("the user service is unhealthy"));
        }
        send(context.clone()).await
    }
}
