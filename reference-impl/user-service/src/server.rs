//! Ports, routers, start and drain.

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use platform::health::{self, Component, Monitor, Readiness};
use platform::listen::{self, ListenError};
use platform::requests::{self, Grpc, Http};
use platform::serving::Running;
use platform::shutdown::Shutdown;
use platform::{http, in_flight, metrics};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;
use tonic::service::Routes;
use user_proto::v1::user_service_server::UserServiceServer;

use crate::connections;
use crate::dependencies::Dependencies;
use crate::password::Hasher;
use crate::service::Users;
use crate::settings::Settings;
use crate::store::ChangeLog;
use crate::stream::{Feed, notify, tail};
use crate::{active_users, deadline, grpc_health, reflection, upload};

/// Which calls are recorded.
const GRPC: Grpc = Grpc {
    methods: &[
        "/user.v1.UserService/CreateUser",
        "/user.v1.UserService/GetUser",
        "/user.v1.UserService/UpdateUser",
        "/user.v1.UserService/DeleteUser",
        "/user.v1.UserService/ListUsers",
        "/user.v1.UserService/StreamUsers",
    ],
    probes: &["/grpc.health.v1.", "/grpc.reflection."],
};

/// The probes are all that it serves over HTTP.
const HTTP: Http = Http { is_api: |_| false };

/// The longest message that a client may send (GRP-3).
const MESSAGE_BYTES: usize = 4_194_304;

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
pub fn start(settings: &Settings, dependencies: Dependencies, listeners: Listeners) -> Running {
    let mut running = Running::default();
    let shutdown = &running.shutdown;
    let readiness = watch_health(settings, dependencies.components, shutdown);
    let probes = requests::recorded(health::router(readiness.clone()), HTTP);
    let probes = (dependencies.wrap_http)(probes);
    let feed = feed(dependencies.changes, dependencies.notifications, shutdown);
    let users = Users {
        store: dependencies.store,
        hasher: Hasher::new(),
        request_timeout: settings.request_timeout,
        feed,
        flags: settings.common.flags.clone(),
        stopping: shutdown.stopping.clone(),
    };
    let router = grpc_router(users, readiness, running.in_flight.clone());
    let grpc = connections::serve(
        listeners.grpc,
        (dependencies.wrap_grpc)(router),
        settings.connections,
        shutdown.stopping.clone(),
    );
    let probes = http::serve(listeners.http, probes, shutdown.ended.clone());
    let refresh = from_fn_with_state(dependencies.counts, active_users::refresh);
    let metrics = metrics::router().layer(refresh);
    let metrics = http::serve(listeners.metrics, metrics, shutdown.ended.clone());
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

/// Starts to read changes, and to send and receive notifications of them.
fn feed(changes: Arc<dyn ChangeLog>, notifications: redis::Client, shutdown: &Shutdown) -> Feed {
    let feed = Feed::default();
    let (read, notified) = (feed.clone(), feed.clone());
    let ended = shutdown.ended.clone();
    tokio::spawn(ended.run_until_cancelled_owned(async move {
        tokio::join!(
            tail::run(read, changes),
            notify::run(notified, notifications)
        );
    }));
    feed
}

/// The calls of all gRPC services, those of `UserService` recorded.
fn grpc_router(users: Users, readiness: Readiness, calls: TaskTracker) -> Router {
    let users = UserServiceServer::new(users).max_decoding_message_size(MESSAGE_BYTES);
    let routes = Routes::new(users).add_service(grpc_health::server(readiness));
    let bounded = reflection::add(routes)
        .into_axum_router()
        .layer(from_fn(deadline::enforce))
        .layer(from_fn(upload::cancel_if_broken));
    requests::recorded(bounded, GRPC).layer(from_fn_with_state(calls, in_flight::track))
}
