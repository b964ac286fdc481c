//! GWY-5, RES-1, RES-5 on the wire: unusual responses and broken connections.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use axum::body::Body;
use h2::Reason;

use crate::gateway::{Gateway, request, settings};
use crate::raw::{Raw, Reaction};

const ONE: &str = "/api/v1/users/ada";

fn gateway(raw: &Arc<Raw>, variables: &[(&str, &str)]) -> Gateway {
    let address = [("USER_SERVICE_ADDR", raw.address.as_str())];
    let variables: Vec<_> = variables.iter().chain(&address).copied().collect();
    Gateway::new(&settings(&variables))
}

/// A reaction to a PUT, which is not repeated; the next call succeeds.
async fn check(reaction: fn(usize) -> Reaction, status: u16) {
    let raw = Raw::start(reaction).await;
    let gateway = gateway(&raw, &[]);
    let answer = gateway.send(request("PUT", ONE, "{}")).await;
    answer.check(status);
    assert!(!answer.body.to_string().contains("127.0.0.1"), "{answer:?}");
    assert_eq!(raw.calls.load(Ordering::SeqCst), 1);
    gateway.send(request("PUT", ONE, "{}")).await.check(200);
}

/// The reaction to the first call only.
macro_rules! first {
    ($reaction:expr) => {
        |number| {
            if number == 1 {
                $reaction
            } else {
                Reaction::Ada
            }
        }
    };
}

#[tokio::test]
async fn a_connection_that_is_cut_is_unavailable() {
    check(first!(Reaction::Cut), 503).await;
    check(first!(Reaction::CutAfterHead), 503).await;
}

#[tokio::test]
async fn a_reset_stream_has_the_code_of_grpc_s_table() {
    check(first!(Reaction::Reset(Reason::REFUSED_STREAM)), 503).await;
    check(first!(Reaction::Reset(Reason::CANCEL)), 499).await;
    check(first!(Reaction::Reset(Reason::INTERNAL_ERROR)), 500).await;
    check(first!(Reaction::Reset(Reason::ENHANCE_YOUR_CALM)), 429).await;
}

#[tokio::test]
async fn a_response_that_is_no_grpc_has_the_code_of_its_http_status() {
    check(first!(Reaction::Headers(502, vec![])), 503).await;
    check(first!(Reaction::Headers(404, vec![])), 501).await;
    check(first!(Reaction::Headers(200, vec![])), 500).await;
}

/// This body, and OK.
fn body(bytes: &[u8]) -> Reaction {
    Reaction::Body(bytes.to_vec(), vec![("grpc-status", b"0".to_vec())])
}

/// A status in the headers.
fn status(code: &str, message: &[u8]) -> Reaction {
    let details = ("grpc-status-details-bin", b"$$$".to_vec());
    let status = ("grpc-status", code.into());
    Reaction::Headers(
        200,
        vec![status, ("grpc-message", message.to_vec()), details],
    )
}

#[tokio::test]
async fn an_invalid_response_is_an_internal_error() {
    check(first!(body(&[0, 0, 0, 0, 3, 255, 255, 255])), 500).await;
    check(first!(body(b"<html>")), 500).await;
    check(first!(body(&[0, 0, 0, 0, 0])), 500).await;
    check(first!(body(b"")), 500).await;
    check(first!(body(&vec![0; 9 << 20])), 500).await;
    check(first!(status("99", b"")), 500).await;
    check(first!(status("five", b"")), 500).await;
}

#[tokio::test]
async fn no_message_or_detail_of_a_status_does_harm() {
    check(first!(status("5", b"%ff%zz\xff")), 404).await;
    check(first!(status("5", &vec![b'a'; 1 << 20])), 404).await;
    let trailers = |number| match number {
        1 => {
            let details = ("grpc-status-details-bin", b"$$$".to_vec());
            Reaction::Body(vec![], vec![("grpc-status", b"5".to_vec()), details])
        }
        _ => Reaction::Ada,
    };
    check(trailers, 404).await;
}

#[tokio::test]
async fn a_get_is_repeated_after_its_connection_is_cut() {
    let raw = Raw::start(first!(Reaction::Cut)).await;
    let gateway = gateway(&raw, &[]);
    gateway.ask("GET", ONE).await.check(200);
    assert_eq!(raw.calls.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_call_carries_id_and_deadline() {
    let raw = Raw::start(|_| Reaction::Ada).await;
    let gateway = gateway(&raw, &[]);
    let mut request = request("GET", ONE, Body::empty());
    request
        .headers_mut()
        .insert("x-request-id", "req-1".parse().expect("a value"));
    gateway.send(request).await.check(200);
    let headers = raw.headers.lock().expect("headers").clone();
    assert_eq!(headers["x-request-id"], "req-1");
    assert!(headers.contains_key("grpc-timeout"));
    assert_eq!(
        raw.connections.load(Ordering::SeqCst),
        1,
        "health and calls share one"
    );
}

#[tokio::test]
async fn a_call_without_a_response_is_cancelled_at_the_deadline() {
    let raw = Raw::start(first!(Reaction::Hang)).await;
    let gateway = gateway(&raw, &[("REQUEST_TIMEOUT", "300ms")]);
    let begin = Instant::now();
    gateway
        .ask("GET", ONE)
        .await
        .check_error(504, "upstream timeout");
    assert!((300..600).contains(&begin.elapsed().as_millis()));
    let reset = async {
        while raw.resets.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(1), reset)
        .await
        .expect("the stream is reset");
    gateway.ask("GET", ONE).await.check(200);
}
