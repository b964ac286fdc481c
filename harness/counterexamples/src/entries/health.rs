//! Health, over HTTP and over gRPC.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Bytes;
use axum::http::StatusCode;
use platform::health::{Check, Status, Unwell};
use std::sync::Arc;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use user_service::parts::Parts;

use super::parts;
use crate::entry::{Entry, How, reference};
use crate::probes::{self, each_component};
use crate::wire;

pub fn entries() -> Vec<Entry> {
    let mut all = answers();
    all.extend(wholes());
    all.extend(checks());
    all.extend(recovery());
    all.extend(service());
    all
}

fn answers() -> Vec<Entry> {
    vec![
        parts("live-other-word", "HLT-1", "/live says ok", |_, it| {
            probes::spoil(it, "/live", |probe| {
                probe.body = serde_json::json!({"status": "ok"});
            });
        }),
        parts(
            "live-follows-resources",
            "HLT-1",
            "/live is 503 while a resource is away",
            |_, it| {
                for component in &mut it.components {
                    component.check = Arc::new(Told {
                        inner: component.check.clone(),
                    });
                }
                it.rules.health.live_code = || {
                    if UNWELL.load(Ordering::Relaxed) {
                        StatusCode::SERVICE_UNAVAILABLE
                    } else {
                        StatusCode::OK
                    }
                };
            },
        ),
        parts(
            "answer-without-components",
            "HLT-2",
            "components is an object",
            |_, it| {
                probes::spoil(it, "/health", |probe| {
                    probe.body["components"] = serde_json::json!({});
                });
            },
        ),
        parts(
            "answer-empty-error",
            "HLT-2",
            "a healthy component has an empty error",
            |_, it| {
                probes::spoil(it, "/health", |probe| {
                    each_component(probe, |it| {
                        if it.get("error").is_none() {
                            it["error"] = "".into();
                        }
                    });
                });
            },
        ),
        parts(
            "answer-without-error",
            "HLT-2",
            "a component says nothing of why it is not healthy",
            |_, it| {
                probes::spoil(it, "/health", |probe| {
                    each_component(probe, |it| {
                        it.as_object_mut().map(|it| it.remove("error"));
                    });
                });
            },
        ),
        parts(
            "answer-unix-time",
            "HLT-2",
            "the timestamp is a number",
            |_, it| {
                probes::spoil(it, "/health", |probe| {
                    probe.body["timestamp"] = 1_700_000_000.into();
                });
            },
        ),
        parts(
            "answer-own-version",
            "HLT-2",
            "the version is the build's whatever SERVICE_VERSION says",
            |_, it| {
                probes::spoil(it, "/health", |probe| {
                    probe.body["version"] = "0.0.1-build".into();
                });
            },
        ),
        parts(
            "answer-all-unwell",
            "HLT-2",
            "when one component is not healthy, none is",
            |_, it| {
                probes::spoil(it, "/health", |probe| {
                    let whole = probe.body["status"].clone();
                    if whole != "healthy" {
                        each_component(probe, |it| {
                            it["status"] = whole.clone();
                            it["error"] = "something is wrong".into();
                        });
                    }
                });
            },
        ),
        parts(
            "latency-nanoseconds",
            "HLT-6",
            "latency_ms holds nanoseconds",
            |_, it| {
                it.rules.health.latency_ms = |it| it.as_secs_f64() * 1e9;
            },
        ),
        parts(
            "latency-seconds",
            "HLT-6",
            "latency_ms holds seconds",
            |_, it| {
                it.rules.health.latency_ms = |it| it.as_secs_f64();
            },
        ),
        parts(
            "latency-text",
            "HLT-6",
            "latency_ms is text with a unit",
            |_, it| {
                probes::spoil(it, "/health", |probe| {
                    each_component(probe, |it| it["latency_ms"] = "3ms".into());
                });
            },
        ),
    ]
}

/// Whether the newest check of anything failed.
static UNWELL: AtomicBool = AtomicBool::new(false);

struct Told {
    inner: Arc<dyn Check>,
}

#[async_trait]
impl Check for Told {
    async fn check(&self) -> Result<(), Unwell> {
        let limited = tokio::time::timeout(Duration::from_millis(800), self.inner.check()).await;
        let checked = limited.unwrap_or(Err(Unwell("timed out")));
        UNWELL.store(checked.is_err(), Ordering::Relaxed);
        checked
    }
}

fn wholes() -> Vec<Entry> {
    vec![
        parts(
            "degraded-is-200",
            "HLT-3",
            "/health is 200 while degraded",
            |_, it| {
                it.rules.health.health_code = |it| {
                    if it == Status::Unhealthy {
                        StatusCode::SERVICE_UNAVAILABLE
                    } else {
                        StatusCode::OK
                    }
                };
            },
        ),
        parts(
            "degraded-is-not-ready",
            "HLT-3",
            "degraded does not count as ready",
            |_, it| {
                it.rules.health.is_ready = |it| it == Status::Healthy;
            },
        ),
        parts(
            "unhealthy-is-200",
            "HLT-3",
            "/health is 200 whatever is wrong",
            |_, it| {
                it.rules.health.health_code = |_| StatusCode::OK;
            },
        ),
        parts(
            "nothing-is-optional",
            "HLT-3",
            "HEALTH_OPTIONAL is ignored: everything is required",
            |_, it| {
                it.rules.health.failed = |_| Status::Unhealthy;
            },
        ),
        parts(
            "everything-is-optional",
            "HLT-3",
            "HEALTH_OPTIONAL is ignored: nothing is required",
            |_, it| {
                it.rules.health.failed = |_| Status::Degraded;
            },
        ),
        parts(
            "degraded-hides-unhealthy",
            "HLT-3",
            "a degraded component hides an unhealthy one",
            |_, it| {
                it.rules.health.overall = |components| {
                    let statuses = || components.iter().map(|it| it.status);
                    if statuses().any(|it| it == Status::Degraded) {
                        Status::Degraded
                    } else {
                        statuses().max().unwrap_or(Status::Healthy)
                    }
                };
            },
        ),
        parts(
            "healthy-is-204",
            "HLT-3",
            "/health is 204 when all is well",
            |_, it| {
                probes::spoil(it, "/health", |probe| {
                    if probe.status == StatusCode::OK {
                        probe.status = StatusCode::NO_CONTENT;
                    }
                });
            },
        ),
        parts(
            "check-is-a-connect",
            "HLT-3",
            "the database is well as long as it takes connections",
            |settings, it| {
                let options = &settings.database;
                let address = format!("{}:{}", options.get_host(), options.get_port());
                it.components[0].check = Arc::new(Connects(address));
            },
        ),
    ]
}

struct Connects(String);

#[async_trait]
impl Check for Connects {
    async fn check(&self) -> Result<(), Unwell> {
        tokio::net::TcpStream::connect(&self.0)
            .await
            .map(|_| ())
            .map_err(|_| Unwell("cannot connect"))
    }
}

fn checks() -> Vec<Entry> {
    vec![
        parts(
            "checks-one-by-one",
            "HLT-4",
            "checks take one time-out each",
            |_, it| {
                it.rules.health.check_timeout = |it| it * 2;
            },
        ),
        parts(
            "checks-without-limit",
            "HLT-4",
            "checks are not bounded",
            |_, it| {
                it.rules.health.check_timeout = |_| Duration::from_mins(10);
            },
        ),
        parts(
            "checks-fixed-limit",
            "HLT-4",
            "checks are bounded by 1 s whatever the setting",
            |_, it| {
                it.rules.health.check_timeout = |_| Duration::from_secs(1);
            },
        ),
        parts(
            "checks-limit-of-5",
            "HLT-4",
            "checks are bounded by 5 s whatever the setting",
            |_, it| {
                it.rules.health.check_timeout = |_| Duration::from_secs(5);
            },
        ),
        parts("cache-none", "HLT-5", "nothing is cached", |_, it| {
            it.rules.health.pause = |_| Duration::from_millis(50);
        }),
        parts(
            "cache-tenfold",
            "HLT-5",
            "answers are kept ten times as long",
            |_, it| {
                it.rules.health.pause = |it| it * 10;
            },
        ),
        parts(
            "cache-timestamp",
            "HLT-5",
            "the timestamp is that of the answer",
            |_, it| {
                probes::spoil(it, "/health", |probe| {
                    let now =
                        chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
                    probe.body["timestamp"] = now.into();
                });
            },
        ),
    ]
}

/// A check that fails for good once it has failed.
struct Once {
    inner: Arc<dyn Check>,
    failed: AtomicBool,
}

#[async_trait]
impl Check for Once {
    async fn check(&self) -> Result<(), Unwell> {
        if self.failed.load(Ordering::Relaxed) {
            return Err(Unwell("it failed before"));
        }
        let limited = tokio::time::timeout(Duration::from_millis(800), self.inner.check()).await;
        let checked = limited.unwrap_or(Err(Unwell("timed out")));
        self.failed.store(checked.is_err(), Ordering::Relaxed);
        checked
    }
}

fn recovery() -> Vec<Entry> {
    vec![
        parts(
            "recovery-never",
            "HLT-7",
            "a component that failed once stays unhealthy",
            |_, it| {
                for component in &mut it.components {
                    component.check = Arc::new(Once {
                        inner: component.check.clone(),
                        failed: AtomicBool::new(false),
                    });
                }
            },
        ),
        parts(
            "recovery-one-connection",
            "HLT-7",
            "the database is checked on the first connection for ever",
            |settings, it| {
                it.components[0].check = Arc::new(OneConnection {
                    options: settings.database.clone(),
                    connection: tokio::sync::Mutex::new(None),
                });
            },
        ),
        parts(
            "recovery-needs-ttl-of-a-minute",
            "HLT-7",
            "checks pause for a minute after a failure",
            |_, it| {
                for component in &mut it.components {
                    component.check = Arc::new(Slow {
                        inner: component.check.clone(),
                        failed: std::sync::Mutex::default(),
                    });
                }
            },
        ),
        parts(
            "secret-in-error",
            "HLT-8",
            "an error holds the connection string",
            |_, it| {
                probes::spoil(it, "/health", |probe| {
                    each_component(probe, |it| {
                        if it["status"] != "healthy" {
                            let name = if it["name"] == "database" {
                                "DATABASE_URL"
                            } else {
                                "REDIS_URL"
                            };
                            it["error"] = std::env::var(name).unwrap_or_default().into();
                        }
                    });
                });
            },
        ),
        parts(
            "secret-in-answer",
            "HLT-8",
            "the answer holds the whole configuration",
            |_, it| {
                probes::spoil(it, "/health", |probe| {
                    probe.body["config"] = std::env::vars()
                        .map(|(name, value)| format!("{name}={value}"))
                        .collect::<Vec<_>>()
                        .into();
                });
            },
        ),
    ]
}

/// A check on one connection, whatever becomes of it.
struct OneConnection {
    options: sqlx::postgres::PgConnectOptions,
    connection: tokio::sync::Mutex<Option<sqlx::PgConnection>>,
}

#[async_trait]
impl Check for OneConnection {
    async fn check(&self) -> Result<(), Unwell> {
        let mut connection = self.connection.lock().await;
        if connection.is_none() {
            let opened = sqlx::ConnectOptions::connect(&self.options).await;
            *connection = Some(opened.map_err(|_| Unwell("cannot connect"))?);
        }
        let opened = connection.as_mut().ok_or(Unwell("cannot connect"))?;
        sqlx::query("SELECT 1")
            .execute(opened)
            .await
            .map(|_| ())
            .map_err(|_| Unwell("cannot query"))
    }
}

/// A check that answers from memory for a minute after it failed.
struct Slow {
    inner: Arc<dyn Check>,
    failed: std::sync::Mutex<Option<std::time::Instant>>,
}

#[async_trait]
impl Check for Slow {
    async fn check(&self) -> Result<(), Unwell> {
        let recent = self.failed.lock().ok().and_then(|it| *it);
        if recent.is_some_and(|it| it.elapsed() < Duration::from_mins(1)) {
            return Err(Unwell("it failed a moment ago"));
        }
        let limited = tokio::time::timeout(Duration::from_millis(800), self.inner.check()).await;
        let checked = limited.unwrap_or(Err(Unwell("timed out")));
        if let Ok(mut failed) = self.failed.lock() {
            *failed = checked.is_err().then(std::time::Instant::now);
        }
        checked
    }
}

/// A check that remembers that it has ever failed.
struct Fallen {
    inner: Arc<dyn Check>,
}

#[async_trait]
impl Check for Fallen {
    async fn check(&self) -> Result<(), Unwell> {
        let limited = tokio::time::timeout(Duration::from_millis(800), self.inner.check()).await;
        let checked = limited.unwrap_or(Err(Unwell("timed out")));
        FELL.fetch_or(checked.is_err(), Ordering::Relaxed);
        checked
    }
}

const SERVING: i32 = 1;
const NOT_SERVING: i32 = 2;

/// Whether the program has ever not been ready.
static FELL: AtomicBool = AtomicBool::new(false);

fn check(it: &mut Parts, change: fn(&mut HealthCheckResponse)) {
    wire::answers::<HealthCheckResponse>(it, "/Check", change);
}

fn service() -> Vec<Entry> {
    vec![
        parts(
            "grpc-health-static",
            "GRP-1",
            "Check answers SERVING always",
            |_, it| check(it, |it| it.status = SERVING),
        ),
        parts(
            "grpc-health-never",
            "GRP-1",
            "Check answers NOT_SERVING always",
            |_, it| check(it, |it| it.status = NOT_SERVING),
        ),
        parts(
            "grpc-health-any-name",
            "GRP-1",
            "Check knows every name",
            |_, it| {
                wire::requests::<HealthCheckRequest>(it, "/Check", |it| it.service.clear());
            },
        ),
        parts(
            "grpc-health-no-service",
            "GRP-1",
            "Check knows the program alone",
            |_, it| {
                wire::requests::<HealthCheckRequest>(it, "/Check", |it| {
                    if !it.service.is_empty() {
                        it.service = "nobody".to_owned();
                    }
                });
            },
        ),
        parts(
            "grpc-health-falls-for-good",
            "GRP-1",
            "Check never answers SERVING again",
            |_, it| {
                it.components[0].check = Arc::new(Fallen {
                    inner: it.components[0].check.clone(),
                });
                check(it, |it| {
                    if FELL.load(Ordering::Relaxed) {
                        it.status = NOT_SERVING;
                    }
                });
            },
        ),
        parts(
            "grpc-health-degraded",
            "GRP-1",
            "degraded is NOT_SERVING",
            |_, it| {
                it.rules.health.is_ready = |it| it == Status::Healthy;
            },
        ),
        Entry::new(
            "grpc-health-serves-on",
            "GRP-1",
            "Check answers SERVING after the signal",
            How::Life(|command, variables| {
                if command == "serve" {
                    super::config::serve_on(variables)
                } else {
                    reference(command, variables, |_, _| {})
                }
            }),
        ),
        parts(
            "watch-one-status",
            "GRP-1",
            "Watch tells SERVING alone",
            |_, it| {
                wire::stream(it, "/Watch", |_, _| {
                    Bytes::from_static(&[0, 0, 0, 0, 2, 8, 1])
                });
            },
        ),
        parts(
            "watch-first-alone",
            "GRP-1",
            "Watch tells the first status alone",
            |_, it| {
                wire::stream(
                    it,
                    "/Watch",
                    |number, data| if number == 1 { data } else { Bytes::new() },
                );
            },
        ),
        parts(
            "watch-changes-alone",
            "GRP-1",
            "Watch does not tell the present status",
            |_, it| {
                wire::stream(
                    it,
                    "/Watch",
                    |number, data| if number == 1 { Bytes::new() } else { data },
                );
            },
        ),
    ]
}
