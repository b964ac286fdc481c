//! One connection: HTTP/2 on it, and a task for each of its calls.

use std::sync::Arc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use h2::RecvStream;
use h2::server::{Builder, Connection, SendResponse};
use http::Request;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tonic::Status;

use super::connection_control::ConnectionControl;
use super::exchange::Exchange;
use super::raw::Raw;
use super::records::{Ending, ReceivedCall};
use super::{Shared, service};
use crate::drivers::wire::tap::Tap;

/// Room for bodies as large as a gateway passes on, so that they arrive without waiting.
const WINDOW: u32 = 4 << 20;

/// Serves a connection until either side ends it.
pub async fn serve(stream: TcpStream, control: Arc<ConnectionControl>, shared: Arc<Shared>) {
    let _over = CloseRecorder(control.clone());
    // Without this an answer waits for the client's next packet.
    let _ = stream.set_nodelay(true);
    let mut builder = Builder::new();
    builder
        .initial_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        // However many calls a client gives up, that is no reason to end its connection.
        .max_pending_accept_reset_streams(usize::MAX)
        .max_local_error_reset_streams(None);
    let shake = builder.handshake::<_, Bytes>(Tap::of_server(stream, control.clone()));
    let connection = tokio::select! {
        biased;
        () = control.closing() => return,
        shaken = shake => shaken,
    };
    if let Ok(connection) = connection {
        drive(connection, &control, &shared).await;
    }
}

/// Writes down that the connection is over, however it came to that.
struct CloseRecorder(Arc<ConnectionControl>);

impl Drop for CloseRecorder {
    fn drop(&mut self) {
        self.0.records().closed(self.0.number());
    }
}

async fn drive(
    mut connection: Connection<Tap<Arc<ConnectionControl>>, Bytes>,
    control: &Arc<ConnectionControl>,
    shared: &Arc<Shared>,
) {
    let mut calls = JoinSet::new();
    // Their streams must stay as they are: dropping them would reset them.
    let mut unprocessed = Vec::new();
    loop {
        tokio::select! {
            biased;
            () = control.closing() => return,
            graceful = control.news() => if graceful {
                connection.graceful_shutdown();
            },
            Some(_) = calls.join_next() => {}
            accepted = connection.accept() => match accepted {
                Some(Ok((request, respond))) => {
                    if control.is_unprocessed(respond.stream_id().as_u32()) {
                        unprocessed.push((request, respond));
                    } else {
                        calls.spawn(call(request, respond, control.clone(), shared.clone()));
                    }
                }
                Some(Err(_)) | None => return,
            },
        }
    }
}

/// Takes a request in and has it answered.
async fn call(
    request: Request<RecvStream>,
    respond: SendResponse<Bytes>,
    control: Arc<ConnectionControl>,
    shared: Arc<Shared>,
) {
    let exchange = Exchange::new(control, respond);
    let (head, body) = request.into_parts();
    let Ok(body) = whole(body).await else {
        // The client has given the call up before it was whole.
        return;
    };
    let path = head.uri.path();
    let (service, method) = path.rsplit_once('/').unwrap_or_default();
    match service {
        "/user.v1.UserService" => {
            let request = Request::from_parts(head, body);
            users(exchange, request, &shared).await;
        }
        "/grpc.health.v1.Health" => shared.health_table.answer(exchange, method, &body).await,
        _ => {
            let status = Status::unimplemented(format!("{path} is not served"));
            exchange.send(&Raw::reply(Err(status))).await;
        }
    }
}

/// A call of the user service: it is written down, and takes the next answer.
async fn users(exchange: Exchange, request: Request<Bytes>, shared: &Shared) {
    let (head, body) = request.into_parts();
    let Some(path) = head.uri.path_and_query().cloned() else {
        return;
    };
    let received = ReceivedCall {
        path,
        metadata: Arc::new(head.headers),
        body: body.clone(),
        received: Instant::now(),
        connection: exchange.control().number(),
        stream: exchange.stream(),
        ending: Ending::Open,
    };
    let answer = shared.take_in(received.clone());
    let contract = || service::answer(&shared.store, received.method(), &body);
    exchange.answer(answer, contract).await;
}

/// The whole body of a request.
async fn whole(mut body: RecvStream) -> Result<Bytes, h2::Error> {
    let mut all = BytesMut::new();
    while let Some(piece) = body.data().await {
        let piece = piece?;
        body.flow_control().release_capacity(piece.len())?;
        if all.is_empty() && body.is_end_stream() {
            return Ok(piece);
        }
        all.extend_from_slice(&piece);
    }
    Ok(all.freeze())
}
