//! A user service on the wire that misbehaves as it is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::{HeaderMap, HeaderValue, Request, Response};
use bytes::Bytes;
use futures::future::pending;
use h2::server::{self, SendResponse};
use h2::{Reason, RecvStream};
use tokio::net::{TcpListener, TcpStream};
use user_proto::v1::{GetUserResponse, User};

/// What becomes of a call.
#[derive(Clone)]
pub enum Deed {
    /// A user, as it should be.
    Ada,
    /// Headers alone, with this status and these members.
    Headers(u16, Vec<(&'static str, Vec<u8>)>),
    /// This body, then trailers.
    Body(Vec<u8>, Vec<(&'static str, Vec<u8>)>),
    /// The stream is reset.
    Reset(Reason),
    /// The head of an answer, then the connection is cut.
    CutAfterHead,
    /// The connection is cut.
    Cut,
    /// No answer.
    Hang,
}

/// What stands in for the user service.
pub struct Raw {
    pub address: String,
    /// How many connections there were.
    pub connections: AtomicUsize,
    /// How many calls there were, health checks apart.
    pub calls: AtomicUsize,
    /// The last call's headers.
    pub headers: std::sync::Mutex<HeaderMap>,
    deed: fn(usize) -> Deed,
}

impl Raw {
    /// Does `deed` to each call, by its number, the first being 1.
    pub async fn start(deed: fn(usize) -> Deed) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("bound"));
        let raw = Arc::new(Self {
            address,
            connections: AtomicUsize::new(0),
            calls: AtomicUsize::new(0),
            headers: std::sync::Mutex::default(),
            deed,
        });
        let accepting = Arc::clone(&raw);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                accepting.connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(Arc::clone(&accepting).serve(stream));
            }
        });
        raw
    }

    async fn serve(self: Arc<Self>, stream: TcpStream) {
        let mut connection = server::handshake(stream).await.expect("a client of HTTP/2");
        loop {
            let Some(Ok((request, respond))) = connection.accept().await else {
                return;
            };
            if request.uri().path().starts_with("/grpc.health") {
                // SERVING
                body(respond, vec![0, 0, 0, 0, 2, 8, 1], &ok());
                continue;
            }
            let number = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
            let deed = (self.deed)(number);
            *self.headers.lock().expect("headers") = request.headers().clone();
            if matches!(deed, Deed::Cut) {
                return;
            }
            let cuts = matches!(deed, Deed::CutAfterHead);
            answer(request, respond, deed);
            if cuts {
                // Lets the head leave first.
                let flushed = std::future::poll_fn(|cx| connection.poll_closed(cx));
                let _ = tokio::time::timeout(std::time::Duration::from_millis(50), flushed).await;
                return;
            }
        }
    }
}

fn ok() -> Vec<(&'static str, Vec<u8>)> {
    vec![("grpc-status", b"0".to_vec())]
}

fn answer(request: Request<RecvStream>, mut respond: SendResponse<Bytes>, deed: Deed) {
    match deed {
        Deed::Ada => body(respond, ada(), &ok()),
        Deed::Body(data, trailers) => body(respond, data, &trailers),
        Deed::Headers(status, members) => {
            let mut response = Response::builder().status(status).body(()).expect("a head");
            response.headers_mut().extend(headers(&members));
            respond.send_response(response, true).expect("sent");
        }
        Deed::Reset(reason) => respond.send_reset(reason),
        Deed::CutAfterHead => {
            let stream = respond
                .send_response(Response::new(()), false)
                .expect("sent");
            tokio::spawn(hold((request, stream)));
        }
        Deed::Hang => {
            tokio::spawn(hold((request, respond)));
        }
        Deed::Cut => {}
    }
}

/// Keeps a stream as it is.
async fn hold<T: Send>(stream: T) {
    pending::<()>().await;
    drop(stream);
}

fn body(mut respond: SendResponse<Bytes>, data: Vec<u8>, trailers: &[(&'static str, Vec<u8>)]) {
    let mut response = Response::new(());
    let grpc = HeaderValue::from_static("application/grpc");
    response.headers_mut().insert("content-type", grpc);
    let mut stream = respond.send_response(response, false).expect("sent");
    stream.send_data(data.into(), false).expect("sent");
    stream.send_trailers(headers(trailers)).expect("sent");
}

fn headers(members: &[(&'static str, Vec<u8>)]) -> HeaderMap {
    let members = members.iter().map(|(name, value)| {
        let value = HeaderValue::from_bytes(value).expect("a header's value");
        (axum::http::HeaderName::from_static(name), value)
    });
    members.collect()
}

/// A framed answer with a user.
pub fn ada() -> Vec<u8> {
    let time = prost_types::Timestamp::default();
    let user = User {
        id: "ada".to_owned(),
        created_at: Some(time),
        updated_at: Some(time),
        ..User::default()
    };
    framed(&GetUserResponse { user: Some(user) })
}

/// A message in its frame.
pub fn framed(message: &impl prost::Message) -> Vec<u8> {
    let encoded = message.encode_to_vec();
    let length = u32::try_from(encoded.len())
        .expect("a length")
        .to_be_bytes();
    [&[0], &length[..], &encoded].concat()
}
