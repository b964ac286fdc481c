//! One call on its stream: what is sent, and how it ends.

use std::future::{pending, poll_fn};
use std::sync::Arc;

use bytes::Bytes;
use conformance_engine::observe::elapse;
use h2::SendStream;
use h2::server::SendResponse;
use tonic::Status;

use super::answer::ScriptedAnswer;
use super::connection_control::{AnswerStage, ConnectionControl};
use super::raw::Raw;
use crate::drivers::wire::framed;

/// The begin of a message of 64 bytes.
const PART_OF_A_MESSAGE: &[u8] = b"\0\0\0\0\x40\x0a\x3e\x0a\x24";

/// A call that waits for its answer. Dropping it before the end resets its stream.
pub struct Exchange {
    control: Arc<ConnectionControl>,
    stream: u32,
    respond: SendResponse<Bytes>,
    /// Once the headers are sent.
    body: Option<SendStream<Bytes>>,
}

impl Exchange {
    /// A call on this connection.
    pub fn new(control: Arc<ConnectionControl>, respond: SendResponse<Bytes>) -> Self {
        Self {
            control,
            stream: respond.stream_id().as_u32(),
            respond,
            body: None,
        }
    }

    /// The connection.
    pub fn control(&self) -> &Arc<ConnectionControl> {
        &self.control
    }

    /// The number of the stream.
    pub fn stream(&self) -> u32 {
        self.stream
    }

    /// Gives the answer; `contract` says what the contract would have, once it is needed.
    pub async fn answer(
        mut self,
        mut answer: ScriptedAnswer,
        contract: impl FnOnce() -> Result<Bytes, Status> + Send,
    ) {
        loop {
            let control = self.control.clone();
            let (stays, next) = match answer {
                ScriptedAnswer::After(time, next) => (self.outlives(elapse(time)).await, next),
                ScriptedAnswer::Held(gate, next) => (self.outlives(gate.opened()).await, next),
                ScriptedAnswer::GoAway(next) => (self.outlives(control.go_away()).await, next),
                ScriptedAnswer::CloseAfter(next) => {
                    control.close_at(self.stream, AnswerStage::End);
                    (Some(()), next)
                }
                ScriptedAnswer::Contract => return self.send(&Raw::reply(contract())).await,
                ScriptedAnswer::Status { code, message } => {
                    return self.send(&Raw::status(code, message)).await;
                }
                ScriptedAnswer::Message(bytes) => return self.send(&Raw::reply(Ok(bytes))).await,
                ScriptedAnswer::Raw(raw) => return self.send(&raw).await,
                other => return self.break_off(&other).await,
            };
            if stays.is_none() {
                return;
            }
            answer = *next;
        }
    }

    /// The answers that are none.
    async fn break_off(mut self, answer: &ScriptedAnswer) {
        match answer {
            ScriptedAnswer::CloseBefore => self.control.close(),
            ScriptedAnswer::Reset(reason) => return self.respond.send_reset(*reason),
            ScriptedAnswer::GoAwayUnprocessed => self.control.leave_unprocessed(self.stream),
            ScriptedAnswer::CloseAfterHeaders => {
                self.control.close_at(self.stream, AnswerStage::Headers);
                self.begin();
            }
            ScriptedAnswer::CloseMidMessage => {
                self.control.close_at(self.stream, AnswerStage::Bytes);
                self.begin();
                if let Some(body) = &mut self.body {
                    // What the client has reset meanwhile needs no bytes.
                    let _ = body.send_data(Bytes::from_static(PART_OF_A_MESSAGE), false);
                }
            }
            ScriptedAnswer::HeadersOnly => self.begin(),
            _ => {}
        }
        self.hold().await;
    }

    /// Sends all of it.
    pub async fn send(mut self, raw: &Raw) {
        if self.control.is_unprocessed(self.stream) {
            return self.hold().await;
        }
        let records = self.control.records();
        records.answering(self.control.number(), self.stream, raw.code());
        if self.try_send(raw).is_err() {
            self.abandoned();
        }
    }

    fn try_send(&mut self, raw: &Raw) -> Result<(), h2::Error> {
        let mut stream = self
            .respond
            .send_response(raw.head(), raw.is_headers_only())?;
        for (index, bytes) in raw.body.iter().enumerate() {
            let last = index + 1 == raw.body.len() && raw.trailers.is_none();
            stream.send_data(bytes.clone(), last)?;
        }
        if let Some(trailers) = &raw.trailers {
            stream.send_trailers(trailers.clone())?;
        }
        Ok(())
    }

    /// Sends headers of gRPC, unless the client has gone.
    fn begin(&mut self) {
        self.body = self.respond.send_response(Raw::grpc().head(), false).ok();
    }

    /// Sends one message of several.
    pub fn say(&mut self, message: &[u8]) -> Result<(), h2::Error> {
        if self.body.is_none() {
            self.body = Some(self.respond.send_response(Raw::grpc().head(), false)?);
        }
        match &mut self.body {
            Some(body) => body.send_data(framed(message), false),
            None => Ok(()),
        }
    }

    /// Ends what [`Exchange::say`] has begun, or not begun.
    pub async fn end(mut self, status: &Status) {
        let raw = Raw::reply(Err(status.clone()));
        match &mut self.body {
            // A client that has gone needs no end.
            Some(body) => drop(body.send_trailers(raw.headers)),
            None => self.send(&raw).await,
        }
    }

    /// Leaves the stream open and sends nothing more, until the client has enough of it.
    pub async fn hold(mut self) {
        self.outlives(pending::<()>()).await;
    }

    /// What `wait` comes to; nothing when the client gives the call up before.
    pub async fn outlives<T>(&mut self, wait: impl Future<Output = T>) -> Option<T> {
        let Self { respond, body, .. } = self;
        let reset = poll_fn(|cx| match body {
            Some(body) => body.poll_reset(cx),
            None => respond.poll_reset(cx),
        });
        let done = tokio::select! {
            biased;
            _ = reset => None,
            done = wait => Some(done),
        };
        if done.is_none() {
            self.abandoned();
        }
        done
    }

    fn abandoned(&self) {
        let records = self.control.records();
        records.abandoned(self.control.number(), self.stream);
    }
}
