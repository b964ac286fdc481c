//! Clients' connections on `GRPC_PORT`: accepted, watched, and ended in good time.
//!
//! tonic's own server sends no GOAWAY at the maximum age and has no idle timeout, so the
//! connections are driven here, each by a task of its own.
//!
//! - [`calls`]: which calls run on a connection
//! - [`frames`]: where HTTP/2 frames begin
//! - [`ping_limit`]: how often a client may ping (GRP-5)
//! - [`limited`]: a byte stream whose client is held to that

pub mod calls;
pub mod frames;
pub mod limited;
pub mod ping_limit;

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
use self::limited::PingLimited;
use crate::settings::ConnectionSettings;

/// The pause after a connection could not be accepted: the next try would most likely fail too.
const AFTER_FAILED_ACCEPT: Duration = Duration::from_millis(100);

/// Serves until `stopping`, then until every connection has ended. Dropping it ends them all.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    settings: ConnectionSettings,
    stopping: CancellationToken,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(drive(stream, router.clone(), settings, stopping.clone()));
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
async fn drive(
    stream: TcpStream,
    router: Router,
    settings: ConnectionSettings,
    stopping: CancellationToken,
) {
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
    } = settings;
    let stream = PingLimited::new(stream, keepalive_min_time);
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(Some(keepalive_time))
        .keep_alive_timeout(keepalive_timeout)
        // As many calls as the client likes: what they use is bounded where it is used.
        .max_concurrent_streams(None)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let last_calls = tokio::select! {
        result = &mut connection => return ended(result),
        wait = must_close(settings, calls, stopping) => wait,
    };
    // GOAWAY: the client makes its next calls on another connection, those that run go on.
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        result = connection => ended(result),
        () = last_calls => tracing::debug!("a connection is ended with what runs on it"),
    }
}

/// How long the calls that run may still take.
type GracePeriod = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Waits until the connection has to be closed (GRP-4); returns how long its calls may take then.
async fn must_close(
    settings: ConnectionSettings,
    calls: Calls,
    stopping: CancellationToken,
) -> GracePeriod {
    let ConnectionSettings {
        max_idle,
        max_age,
        max_age_grace: grace,
        ..
    } = settings;
    tokio::select! {
        () = tokio::time::sleep(max_age) => Box::pin(tokio::time::sleep(grace)),
        // A call may have crossed the GOAWAY.
        () = calls.none_for(max_idle) => Box::pin(async move { calls.none_for(grace).await }),
        // `SHUTDOWN_TIMEOUT` bounds the calls.
        () = stopping.cancelled() => Box::pin(std::future::pending()),
    }
}

fn ended(result: hyper::Result<()>) {
    if let Err(error) = result {
        tracing::debug!(%error, "a connection failed");
    }
}
