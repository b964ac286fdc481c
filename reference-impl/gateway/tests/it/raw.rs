//! A user service that misbehaves on the wire.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::{HeaderMap, HeaderValue, Request, Response};
use bytes::Bytes;
use futures::future::pending;
use h2::server::{self, SendResponse};
use h2::{Reason, RecvStream};
use tokio::net::{TcpListener, TcpStream};
use user_proto::v1::{GetUserResponse, User};

/// How the server reacts to a call.
#[derive(Clone)]
pub enum Reaction {
    /// A user.
    Ada,
    /// Headers alone, with this status and these fields.
    Headers(u16, Vec<(&'static str, Vec<u8>)>),
    /// This body, then trailers.
    Body(Vec<u8>, Vec<(&'static str, Vec<u8>)>),
    /// The stream is reset.
    Reset(Reason),
    /// The head of a response, then the connection is cut.
    CutAfterHead,
    /// The connection is cut.
    Cut,
    /// No response.
    Hang,
}

/// The server.
pub struct Raw {
    pub address: String,
    /// How many connections there were.
    pub connections: AtomicUsize,
    /// How many calls there were, without health checks.
    pub calls: AtomicUsize,
    /// How many calls without a response the client has reset.
    pub resets: Arc<AtomicUsize>,
    /// The last call's headers.
    pub headers: std::sync::Mutex<HeaderMap>,
    reaction: fn(usize) -> Reaction,
}

impl Raw {
    /// Reacts to each call by its number, the first being 1.
    pub async fn start(reaction: fn(usize) -> Reaction) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("bound"));
        let raw = Arc::new(Self {
            address,
            connections: AtomicUsize::new(0),
            calls: AtomicUsize::new(0),
            resets: Arc::default(),
            headers: std::sync::Mutex::default(),
            reaction,
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
            let reaction = (self.reaction)(number);
            *self.headers.lock().expect("headers") = request.headers().clone();
            if matches!(reaction, Reaction::Cut) {
                return;
            }
            let cuts = matches!(reaction, Reaction::CutAfterHead);
            react(request, respond, reaction, &self.resets);
            if cuts {
                // The head is sent first.
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

fn react(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    reaction: Reaction,
    resets: &Arc<AtomicUsize>,
) {
    match reaction {
        Reaction::Ada => body(respond, ada(), &ok()),
        Reaction::Body(data, trailers) => body(respond, data, &trailers),
        Reaction::Headers(status, members) => {
            let mut response = Response::builder().status(status).body(()).expect("a head");
            response.headers_mut().extend(headers(&members));
            respond.send_response(response, true).expect("sent");
        }
        Reaction::Reset(reason) => respond.send_reset(reason),
        Reaction::CutAfterHead => {
            let stream = respond
                .send_response(Response::new(()), false)
                .expect("sent");
            tokio::spawn(hold((request, stream)));
        }
        Reaction::Hang => {
            let resets = Arc::clone(resets);
            tokio::spawn(async move {
                let _ = std::future::poll_fn(|cx| respond.poll_reset(cx)).await;
                resets.fetch_add(1, Ordering::SeqCst);
                drop(request);
            });
        }
        Reaction::Cut => {}
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

/// A framed response with a user.
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
