//! Standing mutants: stub servers that share no code with the reference; every scenario must fail on them.

use std::net::{Ipv6Addr, SocketAddr};
use std::process::ExitCode;

use anyhow::Context as _;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Request, Response, StatusCode, header};
use tokio::net::TcpListener;

/// How a standing mutant responds.
#[derive(Clone, Copy)]
pub enum Standing {
    /// `/ready` is 200, and every call fails with UNAVAILABLE.
    Unavailable,
    /// Closes every connection immediately.
    Closes,
    /// Answers every call with OK and an empty message.
    Empty,
}

/// Serves on the ports of the environment until it is killed; commands other than `serve` do nothing.
pub fn main(standing: Standing, command: &str) -> ExitCode {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be made");
    match runtime.block_on(run(standing, command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(standing: Standing, command: &str) -> anyhow::Result<()> {
    if command != "serve" {
        return Ok(());
    }
    let http = bind("PORT").await?;
    let metrics = bind("METRICS_PORT").await?;
    // The gateway has no gRPC port.
    let grpc = match std::env::var("GRPC_PORT") {
        Ok(_) => Some(bind("GRPC_PORT").await?),
        Err(_) => None,
    };
    if let Standing::Closes = standing {
        let all = [http, metrics].into_iter().chain(grpc).map(close_all);
        return futures::future::try_join_all(all).await.map(|_| ());
    }
    let router = |respond: fn(Standing, &Request<Body>) -> Response<Body>| {
        Router::new()
            .fallback(move |request: Request<Body>| async move { respond(standing, &request) })
    };
    let http = axum::serve(http, router(respond_to_probe));
    let metrics = axum::serve(metrics, router(respond_to_probe));
    let grpc = async {
        match grpc {
            Some(listener) => axum::serve(listener, router(respond_to_call)).await,
            None => std::future::pending().await,
        }
    };
    tokio::try_join!(http.into_future(), metrics.into_future(), grpc)?;
    Ok(())
}

async fn bind(variable: &str) -> anyhow::Result<TcpListener> {
    let port = std::env::var(variable).with_context(|| format!("{variable} is not set"))?;
    let port: u16 = port
        .parse()
        .with_context(|| format!("{variable} is not a port number"))?;
    let address = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot bind {address}"))
}

async fn close_all(listener: TcpListener) -> anyhow::Result<()> {
    loop {
        drop(listener.accept().await?);
    }
}

fn respond_to_probe(standing: Standing, request: &Request<Body>) -> Response<Body> {
    let is_ready = request.uri().path() == "/ready";
    let status = match standing {
        // `/ready` stays 200; otherwise no scenario would reach a call.
        Standing::Unavailable if !is_ready => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::OK,
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

fn respond_to_call(standing: Standing, _: &Request<Body>) -> Response<Body> {
    let status = match standing {
        Standing::Empty => 0,
        Standing::Unavailable | Standing::Closes => 14,
    };
    let body = match standing {
        Standing::Empty => {
            // The frame of an empty uncompressed message, then the trailers.
            let frames = futures::stream::iter([
                Ok::<_, std::convert::Infallible>(http_body::Frame::data(Bytes::from_static(
                    &[0; 5],
                ))),
                Ok(http_body::Frame::trailers(status_headers(status))),
            ]);
            Body::new(http_body_util::StreamBody::new(frames))
        }
        Standing::Unavailable | Standing::Closes => Body::empty(),
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        "application/grpc".parse().expect("a valid value"),
    );
    if !matches!(standing, Standing::Empty) {
        headers.extend(status_headers(status));
    }
    response
}

fn status_headers(status: u16) -> axum::http::HeaderMap {
    let mut headers = axum::http::HeaderMap::new();
    headers.insert("grpc-status", status.into());
    headers
}
