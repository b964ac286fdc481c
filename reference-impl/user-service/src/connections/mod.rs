//! Clients' connections on `GRPC_PORT`: accepted, watched, and ended in good time.
//!
//! tonic's own server sends no GOAWAY at the maximum age and knows no idle time, so the
//! connections are driven here, each by a task of its own.
//!
//! - [`rules`]: when a connection ends, and how (GRP-4, GRP-5)
//! - [`calls`]: which calls run on a connection
//! - [`frames`]: where HTTP/2 frames begin
//! - [`pings`]: how often a client may ping
//! - [`policed`]: a byte stream whose client is held to that

pub mod calls;
pub mod frames;
pub mod pings;
pub mod policed;
pub mod rules;

use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use platform::in_flight;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use self::calls::Calls;
use self::policed::Policed;
use self::rules::ConnectionRules;
use crate::settings::ConnectionSettings;

/// The pause after a connection could not be accepted: the next try would most likely fail too.
const AFTER_FAILED_ACCEPT: Duration = Duration::from_millis(100);

/// What every connection is treated by.
#[derive(Clone, Copy)]
pub struct Policy {
    /// The times of the environment.
    pub settings: ConnectionSettings,
    /// The contract.
    pub rules: ConnectionRules,
}

/// Serves until `stopping`, then until every connection has ended. Dropping it ends them all.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    policy: Policy,
    stopping: CancellationToken,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(drive(stream, router.clone(), policy, stopping.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(AFTER_FAILED_ACCEPT).await;
                }
            },
            // Forgets what has ended.
            Some(_) = connections.join_next() => {}
            () = stopping.cancelled() => break,
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Serves one connection to its end.
async fn drive(stream: TcpStream, router: Router, policy: Policy, stopping: CancellationToken) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    let calls = Calls::new();
    let running = calls.clone();
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let call = running.begin();
        let answer = router.clone().oneshot(request.map(Body::new));
        async move { Ok::<_, Infallible>(in_flight::hold(answer.await?, call)) }
    });
    let ConnectionSettings {
        keepalive_time,
        keepalive_timeout,
        keepalive_min_time,
        ..
    } = policy.settings;
    let stream = Policed::new(stream, policy.rules.pings, keepalive_min_time);
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(Some(keepalive_time))
        .keep_alive_timeout(keepalive_timeout)
        // As many calls as the client likes: what they use is bounded where it is used.
        .max_concurrent_streams(None)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let time_out = tokio::select! {
        result = &mut connection => return ended(result),
        time_out = time_out(policy, calls, stopping) => time_out,
    };
    // GOAWAY: the client makes its next calls on another connection, those that run go on.
    (policy.rules.close)(&mut || connection.as_mut().graceful_shutdown());
    tokio::select! {
        result = connection => ended(result),
        () = time_out => tracing::debug!("a connection is ended with what runs on it"),
    }
}

/// A further time to wait for.
type Wait = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Waits until the connection has to be closed; the answer says until when it may last then.
async fn time_out(policy: Policy, calls: Calls, stopping: CancellationToken) -> Wait {
    let Policy { settings, rules } = policy;
    tokio::select! {
        () = (rules.old)(calls.clone(), settings.max_age) => {
            Box::pin(tokio::time::sleep(settings.max_age_grace))
        }
        () = (rules.idle)(calls.clone(), settings.max_idle) => {
            // A call may have crossed the GOAWAY.
            Box::pin(async move { calls.none_for(settings.max_age_grace).await })
        }
        // Whoever stops the program knows how long its calls may take.
        () = stopping.cancelled() => Box::pin(std::future::pending()),
    }
}

fn ended(result: hyper::Result<()>) {
    if let Err(error) = result {
        tracing::debug!(%error, "a connection failed");
    }
}
