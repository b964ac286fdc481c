//! Ports, routers, start and drain.

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use platform::health::{self, Component, Monitor, Readiness};
use platform::listen::{self, ListenError};
use platform::serving::Running;
use platform::shutdown::Shutdown;
use platform::{http, in_flight, metrics};
use prost_types::FileDescriptorSet;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;
use tonic::service::Routes;
use user_proto::v1::user_service_server::UserServiceServer;

use crate::connections::{self, Policy};
use crate::parts::Parts;
use crate::service::Users;
use crate::settings::Settings;
use crate::store::ChangeLog;
use crate::stream::{Feed, StreamRules, tail, wake};
use crate::{deadline, grpc_health, reflection, rpc_log};

/// The three ports, taken.
pub struct Listeners {
    /// `PORT`
    pub http: TcpListener,
    /// `METRICS_PORT`
    pub metrics: TcpListener,
    /// `GRPC_PORT`
    pub grpc: TcpListener,
}

/// Takes the ports, or names the one that cannot be had (CFG-3).
pub fn bind(settings: &Settings) -> Result<Listeners, ListenError> {
    Ok(Listeners {
        http: listen::bind("PORT", settings.common.port)?,
        metrics: listen::bind("METRICS_PORT", settings.common.metrics_port)?,
        grpc: listen::bind("GRPC_PORT", settings.grpc_port)?,
    })
}

/// Starts to check, and to serve on every port.
pub fn start(settings: &Settings, parts: Parts, listeners: Listeners) -> Running {
    let mut running = Running::default();
    let shutdown = &running.shutdown;
    let readiness = watch_health(settings, parts.components, shutdown);
    let probes = (parts.wrap_http)(health::router(readiness.clone()));
    let feed = feed(parts.rules.stream, parts.changes, parts.wake, shutdown);
    let policy = Policy {
        settings: parts.connections,
        rules: parts.rules.connections,
    };
    let users = Users {
        rules: parts.rules,
        store: parts.store,
        hasher: parts.hasher,
        request_timeout: settings.request_timeout,
        feed,
        flags: settings.common.flags.clone(),
        stopping: shutdown.stopping.clone(),
    };
    let router = (parts.wrap_grpc)(grpc_router(
        users,
        readiness,
        &parts.descriptors,
        running.in_flight.clone(),
    ));
    let grpc = connections::serve(listeners.grpc, router, policy, shutdown.stopping.clone());
    let probes = http::serve(listeners.http, probes, shutdown.ended.clone());
    let metrics = http::serve(listeners.metrics, metrics::router(), shutdown.ended.clone());
    running.until_stopping.spawn(async {
        grpc.await;
        Ok(())
    });
    running.until_ended.spawn(probes);
    running.until_ended.spawn(metrics);
    running
}

/// Starts to check the components.
fn watch_health(settings: &Settings, components: Vec<Component>, shutdown: &Shutdown) -> Readiness {
    let monitor = Monitor {
        components,
        settings: settings.common.health.clone(),
        version: settings.common.identity.version.clone(),
    };
    let reports = monitor.start(shutdown.ended.clone());
    Readiness::new(reports, shutdown.stopping.clone())
}

/// Starts to read changes, and to hear and tell of them.
fn feed(
    rules: StreamRules,
    changes: Arc<dyn ChangeLog>,
    wake: redis::Client,
    shutdown: &Shutdown,
) -> Feed {
    let feed = Feed::new(rules);
    let (read, told) = (feed.clone(), feed.clone());
    let ended = shutdown.ended.clone();
    tokio::spawn(ended.run_until_cancelled_owned(async move {
        tokio::join!(tail::run(read, changes), wake::run(told, wake));
    }));
    feed
}

/// The calls of all gRPC services, each of `UserService` with its log line.
fn grpc_router(
    users: Users,
    readiness: Readiness,
    descriptors: &[FileDescriptorSet],
    calls: TaskTracker,
) -> Router {
    let rules = &users.rules;
    let (timeout, message_bytes) = (rules.timeout, rules.message_bytes);
    let users = UserServiceServer::new(users).max_decoding_message_size(message_bytes);
    let routes = Routes::new(users).add_service(grpc_health::server(readiness));
    reflection::add(routes, descriptors)
        .into_axum_router()
        .layer(from_fn_with_state(timeout, deadline::enforce))
        .layer(from_fn(rpc_log::log_call))
        .layer(from_fn_with_state(calls, in_flight::track))
}
