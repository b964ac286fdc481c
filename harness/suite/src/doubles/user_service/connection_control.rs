//! What one connection has to do, and what its frames report.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::records::Records;
use crate::drivers::wire::frames::Frame;
use crate::drivers::wire::tap::FrameObserver;

/// How much of an answer was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerStage {
    /// Its headers.
    Headers,
    /// Some of its bytes.
    Bytes,
    /// All of it.
    End,
}

/// The control of a connection, shared by its answers, its driver and its tap.
#[derive(Debug)]
pub struct ConnectionControl {
    number: usize,
    records: Arc<Records>,
    /// Closes the connection.
    closing: CancellationToken,
    /// A GOAWAY was sent.
    gone_away: CancellationToken,
    /// Notifies the driver of new instructions.
    news: Notify,
    instructions: Mutex<Instructions>,
    silent: AtomicBool,
}

/// Instructions of answers for the connection.
#[derive(Debug, Default)]
struct Instructions {
    /// A graceful GOAWAY.
    graceful: bool,
    /// The last stream that is still processed, by a GOAWAY that was or will be sent.
    last: Option<u32>,
    /// The bytes of that GOAWAY, until the tap takes them.
    goaway: Option<Vec<u8>>,
    /// Streams, each with the stage at which the connection closes.
    close_at: Vec<(u32, AnswerStage)>,
    /// A stream whose headers are sent in several frames, of which the last ends it.
    ending: Option<u32>,
}

impl ConnectionControl {
    /// A connection that was just accepted.
    pub fn new(records: Arc<Records>) -> Self {
        Self {
            number: records.opened(),
            records,
            closing: CancellationToken::new(),
            gone_away: CancellationToken::new(),
            news: Notify::new(),
            instructions: Mutex::default(),
            silent: AtomicBool::new(false),
        }
    }

    /// Its index in the list of connections.
    pub fn number(&self) -> usize {
        self.number
    }

    /// The records of the double.
    pub fn records(&self) -> &Records {
        &self.records
    }

    /// Closes the connection now.
    pub fn close(&self) {
        self.closing.cancel();
    }

    /// Closes the connection when the answer on `stream` has reached this stage.
    pub fn close_at(&self, stream: u32, stage: AnswerStage) {
        self.instructions().close_at.push((stream, stage));
    }

    /// Resolves when the connection has to be closed.
    pub async fn closing(&self) {
        self.closing.cancelled().await;
    }

    /// Sends a GOAWAY that lets running calls end, and waits until it is sent.
    pub async fn go_away(&self) {
        self.instructions().graceful = true;
        self.news.notify_one();
        self.gone_away.cancelled().await;
    }

    /// Sends a GOAWAY that leaves the call on `stream`, and those after it, unprocessed.
    pub fn leave_unprocessed(&self, stream: u32) {
        // The streams of a client have odd numbers.
        let last = stream.saturating_sub(2);
        let mut instructions = self.instructions();
        instructions.last = Some(last);
        instructions.goaway = Some(goaway(last));
        drop(instructions);
        self.records.cut_off_after(self.number, last);
        self.news.notify_one();
    }

    /// Whether a GOAWAY excludes this stream.
    pub fn is_unprocessed(&self, stream: u32) -> bool {
        self.instructions().last.is_some_and(|last| stream > last)
    }

    /// Sends and answers nothing from now on, as if the machine were gone.
    pub fn mute(&self) {
        self.silent.store(true, Ordering::SeqCst);
    }

    /// Waits for instructions; whether one is a graceful end.
    pub async fn news(&self) -> bool {
        self.news.notified().await;
        std::mem::take(&mut self.instructions().graceful)
    }

    /// Whether an answer is now complete. Headers may be sent in several frames.
    fn is_end(&self, frame: &Frame) -> bool {
        if frame.has(Frame::DATA, Frame::END_STREAM) {
            return true;
        }
        let complete = frame.has(frame.kind, Frame::END_HEADERS);
        if frame.has(Frame::HEADERS, Frame::END_STREAM) {
            self.instructions().ending = (!complete).then_some(frame.stream);
            return complete;
        }
        let last = frame.kind == Frame::CONTINUATION && complete;
        last && self.instructions().ending.take() == Some(frame.stream)
    }

    fn passed(&self, stream: u32, stage: AnswerStage) {
        if self.instructions().close_at.contains(&(stream, stage)) {
            self.close();
        }
    }

    fn instructions(&self) -> MutexGuard<'_, Instructions> {
        self.instructions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl FrameObserver for Arc<ConnectionControl> {
    fn received(&self, frame: &Frame) {
        match frame.kind {
            Frame::RESET => self.records.abandoned(self.number, frame.stream),
            Frame::PING if frame.flags & Frame::ACK == 0 => self.records.pinged(self.number),
            Frame::GOAWAY => self.records.went_away(self.number),
            _ => {}
        }
    }

    fn sent(&self, frame: &Frame) {
        let stream = frame.stream;
        match frame.kind {
            Frame::GOAWAY => self.gone_away.cancel(),
            Frame::RESET => {
                self.records.cut_off(self.number, stream);
                self.passed(stream, AnswerStage::End);
            }
            Frame::DATA => self.passed(stream, AnswerStage::Bytes),
            Frame::HEADERS => self.passed(stream, AnswerStage::Headers),
            _ => {}
        }
        if self.is_end(frame) {
            self.records.answered(self.number, stream);
            self.passed(stream, AnswerStage::End);
        }
    }

    fn closed(&self) {
        self.records.closed_by_client(self.number);
    }

    fn is_muted(&self) -> bool {
        self.silent.load(Ordering::SeqCst)
    }

    fn take_frame(&self) -> Option<Vec<u8>> {
        self.instructions().goaway.take()
    }
}

/// A GOAWAY without an error (RFC 9113, section 6.8).
fn goaway(last: u32) -> Vec<u8> {
    let head = [0, 0, 8, Frame::GOAWAY, 0, 0, 0, 0, 0];
    let no_error = [0; 4];
    [&head[..], &last.to_be_bytes(), &no_error].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drivers::wire::frames::Reader;

    fn frame(kind: u8, flags: u8) -> Frame {
        Frame {
            kind,
            flags,
            stream: 1,
            payload: Vec::new(),
        }
    }

    #[test]
    fn a_goaway_is_a_frame() {
        let frames = Reader::default().read(&goaway(3));
        assert_eq!(frames.len(), 1);
        assert_eq!(frames[0].goaway(), Some(0));
        assert_eq!(frames[0].payload[..4], [0, 0, 0, 3]);
    }

    #[test]
    fn headers_in_several_frames_end_with_the_last() {
        let control = ConnectionControl::new(Arc::default());
        assert!(!control.is_end(&frame(Frame::HEADERS, Frame::END_STREAM)));
        assert!(!control.is_end(&frame(Frame::CONTINUATION, 0)));
        assert!(control.is_end(&frame(Frame::CONTINUATION, Frame::END_HEADERS)));
        assert!(!control.is_end(&frame(Frame::HEADERS, Frame::END_HEADERS)));
        assert!(!control.is_end(&frame(Frame::CONTINUATION, Frame::END_HEADERS)));
    }
}
