//! One connection, as those see it who answer its calls: what shall happen to it, and what has.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::records::Records;
use crate::drivers::wire::frames::Frame;
use crate::drivers::wire::tap::Look;

/// How far an answer has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Its headers.
    Headers,
    /// Some of its bytes.
    Bytes,
    /// All of it.
    End,
}

/// A connection: its answers, its driver and its tap share it.
#[derive(Debug)]
pub struct Line {
    number: usize,
    records: Arc<Records>,
    /// Tells the driver to close the connection.
    closing: CancellationToken,
    /// A GOAWAY has left.
    gone_away: CancellationToken,
    /// Tells the driver that there are new wishes.
    news: Notify,
    wishes: Mutex<Wishes>,
    silent: AtomicBool,
}

/// What answers want of the connection.
#[derive(Debug, Default)]
struct Wishes {
    /// GOAWAY in the polite way.
    graceful: bool,
    /// The last stream that is still processed; a GOAWAY of ours has said so, or will.
    last: Option<u32>,
    /// The bytes of that GOAWAY, until the tap takes them.
    goaway: Option<Vec<u8>>,
    /// Streams at whose moment the connection closes.
    close_at: Vec<(u32, Moment)>,
    /// A stream whose headers are leaving in several frames, of which the last ends it.
    ending: Option<u32>,
}

impl Line {
    /// A connection that was just accepted.
    pub fn new(records: Arc<Records>) -> Self {
        Self {
            number: records.opened(),
            records,
            closing: CancellationToken::new(),
            gone_away: CancellationToken::new(),
            news: Notify::new(),
            wishes: Mutex::default(),
            silent: AtomicBool::new(false),
        }
    }

    /// Its place in the list of connections.
    pub fn number(&self) -> usize {
        self.number
    }

    /// Where everything is written down.
    pub fn records(&self) -> &Records {
        &self.records
    }

    /// Closes the connection as it is.
    pub fn close(&self) {
        self.closing.cancel();
    }

    /// Closes the connection when the answer on `stream` has left so far.
    pub fn close_at(&self, stream: u32, moment: Moment) {
        self.wishes().close_at.push((stream, moment));
    }

    /// Ends when the connection shall be closed.
    pub async fn closing(&self) {
        self.closing.cancelled().await;
    }

    /// Sends a GOAWAY that lets running calls end, and ends when it has left.
    pub async fn go_away(&self) {
        self.wishes().graceful = true;
        self.news.notify_one();
        self.gone_away.cancelled().await;
    }

    /// Sends a GOAWAY that leaves the call on `stream`, and those after it, unprocessed.
    pub fn leave_unprocessed(&self, stream: u32) {
        // The streams of a client have odd numbers.
        let last = stream.saturating_sub(2);
        let mut wishes = self.wishes();
        wishes.last = Some(last);
        wishes.goaway = Some(goaway(last));
        drop(wishes);
        self.records.cut_off_after(self.number, last);
        self.news.notify_one();
    }

    /// Whether the client was told that this stream is not processed.
    pub fn is_unprocessed(&self, stream: u32) -> bool {
        self.wishes().last.is_some_and(|last| stream > last)
    }

    /// From now on nothing is sent and nothing is answered, as if the machine were gone.
    pub fn fall_silent(&self) {
        self.silent.store(true, Ordering::SeqCst);
    }

    /// Ends when the driver has something to do; whether that is a graceful end.
    pub async fn news(&self) -> bool {
        self.news.notified().await;
        std::mem::take(&mut self.wishes().graceful)
    }

    /// Whether an answer has now left as a whole. Headers may leave in several frames.
    fn is_end(&self, frame: &Frame) -> bool {
        if frame.has(Frame::DATA, Frame::END_STREAM) {
            return true;
        }
        let complete = frame.has(frame.kind, Frame::END_HEADERS);
        if frame.has(Frame::HEADERS, Frame::END_STREAM) {
            self.wishes().ending = (!complete).then_some(frame.stream);
            return complete;
        }
        let last = frame.kind == Frame::CONTINUATION && complete;
        last && self.wishes().ending.take() == Some(frame.stream)
    }

    fn passed(&self, stream: u32, moment: Moment) {
        if self.wishes().close_at.contains(&(stream, moment)) {
            self.close();
        }
    }

    fn wishes(&self) -> MutexGuard<'_, Wishes> {
        self.wishes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Look for Arc<Line> {
    fn heard(&self, frame: &Frame) {
        match frame.kind {
            Frame::RESET => self.records.abandoned(self.number, frame.stream),
            Frame::PING if frame.flags & Frame::ACK == 0 => self.records.pinged(self.number),
            Frame::GOAWAY => self.records.went_away(self.number),
            _ => {}
        }
    }

    fn said(&self, frame: &Frame) {
        let stream = frame.stream;
        match frame.kind {
            Frame::GOAWAY => self.gone_away.cancel(),
            Frame::RESET => {
                self.records.cut_off(self.number, stream);
                self.passed(stream, Moment::End);
            }
            Frame::DATA => self.passed(stream, Moment::Bytes),
            Frame::HEADERS => self.passed(stream, Moment::Headers),
            _ => {}
        }
        if self.is_end(frame) {
            self.records.answered(self.number, stream);
            self.passed(stream, Moment::End);
        }
    }

    fn closed(&self) {
        self.records.closed_by_client(self.number);
    }

    fn is_silent(&self) -> bool {
        self.silent.load(Ordering::SeqCst)
    }

    fn take_frame(&self) -> Option<Vec<u8>> {
        self.wishes().goaway.take()
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
        let line = Line::new(Arc::default());
        assert!(!line.is_end(&frame(Frame::HEADERS, Frame::END_STREAM)));
        assert!(!line.is_end(&frame(Frame::CONTINUATION, 0)));
        assert!(line.is_end(&frame(Frame::CONTINUATION, Frame::END_HEADERS)));
        assert!(!line.is_end(&frame(Frame::HEADERS, Frame::END_HEADERS)));
        assert!(!line.is_end(&frame(Frame::CONTINUATION, Frame::END_HEADERS)));
    }
}
