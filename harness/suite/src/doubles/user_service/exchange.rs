//! One call on its stream: what is sent, and how it ends.

use std::future::{pending, poll_fn};
use std::sync::Arc;

use bytes::Bytes;
use conformance_engine::observe::elapse;
use h2::SendStream;
use h2::server::SendResponse;
use tonic::Status;

use super::answer::Answer;
use super::line::{Line, Moment};
use super::raw::Raw;
use crate::drivers::wire::framed;

/// The begin of a message of 64 bytes.
const PART_OF_A_MESSAGE: &[u8] = b"\0\0\0\0\x40\x0a\x3e\x0a\x24";

/// A call that waits for its answer. Dropping it before the end resets its stream.
pub struct Exchange {
    line: Arc<Line>,
    stream: u32,
    respond: SendResponse<Bytes>,
    /// Once the headers are sent.
    body: Option<SendStream<Bytes>>,
}

impl Exchange {
    /// A call that came by this line.
    pub fn new(line: Arc<Line>, respond: SendResponse<Bytes>) -> Self {
        Self {
            line,
            stream: respond.stream_id().as_u32(),
            respond,
            body: None,
        }
    }

    /// The connection.
    pub fn line(&self) -> &Arc<Line> {
        &self.line
    }

    /// The number of the stream.
    pub fn stream(&self) -> u32 {
        self.stream
    }

    /// Gives the answer; `contract` says what the contract would have, once it is needed.
    pub async fn answer(
        mut self,
        mut answer: Answer,
        contract: impl FnOnce() -> Result<Bytes, Status> + Send,
    ) {
        loop {
            let line = self.line.clone();
            let (stays, next) = match answer {
                Answer::After(time, next) => (self.outlives(elapse(time)).await, next),
                Answer::Held(gate, next) => (self.outlives(gate.opened()).await, next),
                Answer::GoAway(next) => (self.outlives(line.go_away()).await, next),
                Answer::CloseAfter(next) => {
                    line.close_at(self.stream, Moment::End);
                    (Some(()), next)
                }
                Answer::Contract => return self.send(&Raw::reply(contract())).await,
                Answer::Status { code, message } => {
                    return self.send(&Raw::status(code, message)).await;
                }
                Answer::Message(bytes) => return self.send(&Raw::reply(Ok(bytes))).await,
                Answer::Raw(raw) => return self.send(&raw).await,
                other => return self.break_off(&other).await,
            };
            if stays.is_none() {
                return;
            }
            answer = *next;
        }
    }

    /// The answers that are none.
    async fn break_off(mut self, answer: &Answer) {
        match answer {
            Answer::CloseBefore => self.line.close(),
            Answer::Reset(reason) => return self.respond.send_reset(*reason),
            Answer::GoAwayUnprocessed => self.line.leave_unprocessed(self.stream),
            Answer::CloseAfterHeaders => {
                self.line.close_at(self.stream, Moment::Headers);
                self.begin();
            }
            Answer::CloseMidMessage => {
                self.line.close_at(self.stream, Moment::Bytes);
                self.begin();
                if let Some(body) = &mut self.body {
                    // What the client has reset meanwhile needs no bytes.
                    let _ = body.send_data(Bytes::from_static(PART_OF_A_MESSAGE), false);
                }
            }
            Answer::SilentAfterHeaders => self.begin(),
            _ => {}
        }
        self.hold().await;
    }

    /// Sends all of it.
    pub async fn send(mut self, raw: &Raw) {
        if self.line.is_unprocessed(self.stream) {
            return self.hold().await;
        }
        let records = self.line.records();
        records.answering(self.line.number(), self.stream, raw.code());
        if self.try_send(raw).is_err() {
            self.abandoned();
        }
    }

    fn try_send(&mut self, raw: &Raw) -> Result<(), h2::Error> {
        let mut stream = self
            .respond
            .send_response(raw.head(), raw.is_head_alone())?;
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
        let records = self.line.records();
        records.abandoned(self.line.number(), self.stream);
    }
}
