//! The output of a program: any bytes are captured, up to a limit.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio_util::sync::CancellationToken;

/// The newest bytes that are kept of each stream.
const KEPT: usize = 8 << 20;

/// Where a line is cut.
const LONGEST: usize = 1 << 20;

/// What a line costs in addition to its bytes, so that a flood of empty lines is bounded as well.
const LINE_COST: usize = mem::size_of::<(u64, Line)>() + 16;

/// Which stream a line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// One line, without its newline.
#[derive(Clone, Debug)]
pub struct Line {
    /// When its end was read.
    pub at: Instant,
    /// Where it was written to.
    pub stream: Stream,
    /// Its bytes, which need not be UTF-8.
    pub bytes: Arc<[u8]>,
    /// It was longer than the mebibyte that the suite keeps of a line.
    pub cut: bool,
}

/// What a program wrote so far; clones share it.
///
/// Of each stream the newest 8 MiB are kept, so that a flood on one pushes nothing out of the other.
#[derive(Clone, Debug, Default)]
pub struct Output {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    stdout: Kept,
    stderr: Kept,
    /// Numbers the lines of both streams in the order of their reading.
    next: u64,
    dropped: u64,
}

#[derive(Debug, Default)]
struct Kept {
    lines: VecDeque<(u64, Line)>,
    cost: usize,
}

/// A line whose end has not been read.
#[derive(Debug, Default)]
struct Partial {
    bytes: Vec<u8>,
    cut: bool,
}

impl Output {
    /// The newest lines, in the order in which they were read. A last line without a newline is
    /// among them once the program has closed the stream.
    pub fn lines(&self) -> Vec<Line> {
        self.unread(&mut 0)
    }

    /// The lines that were read since the last call with this place, which is 0 at the beginning.
    pub fn unread(&self, place: &mut u64) -> Vec<Line> {
        let inner = self.lock();
        let both = inner.stdout.lines.iter().chain(&inner.stderr.lines);
        let mut numbered: Vec<&(u64, Line)> = both.filter(|it| it.0 >= *place).collect();
        numbered.sort_unstable_by_key(|it| it.0);
        *place = inner.next;
        numbered.into_iter().map(|it| it.1.clone()).collect()
    }

    /// How many older lines are not kept.
    pub fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads one stream to its end, or until `enough` is cancelled.
    pub(super) async fn read(
        self,
        stream: Stream,
        mut from: impl AsyncRead + Unpin,
        enough: CancellationToken,
    ) {
        let mut buffer = vec![0; 64 << 10];
        let mut partial = Partial::default();
        loop {
            let read = tokio::select! {
                biased;
                read = from.read(&mut buffer) => read,
                () = enough.cancelled() => break,
            };
            // An error on a pipe from a process that ended is its end.
            let Ok(count @ 1..) = read else { break };
            self.lock().add(stream, &buffer[..count], &mut partial);
            if enough.is_cancelled() {
                break;
            }
        }
        if !partial.bytes.is_empty() {
            self.lock().push(stream, &mut partial, Instant::now());
        }
    }
}

impl Inner {
    fn add(&mut self, stream: Stream, chunk: &[u8], partial: &mut Partial) {
        let at = Instant::now();
        for part in chunk.split_inclusive(|it| *it == b'\n') {
            let text = part.strip_suffix(b"\n");
            partial.extend(text.unwrap_or(part));
            if text.is_some() {
                self.push(stream, partial, at);
            }
        }
    }

    fn push(&mut self, stream: Stream, partial: &mut Partial, at: Instant) {
        let line = Line {
            at,
            stream,
            bytes: partial.bytes.as_slice().into(),
            cut: partial.cut,
        };
        partial.bytes.clear();
        partial.cut = false;
        let number = self.next;
        self.next += 1;
        let kept = match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        };
        self.dropped += kept.push(number, line);
    }
}

impl Kept {
    /// Keeps a line; returns how many others were dropped for it.
    fn push(&mut self, number: u64, line: Line) -> u64 {
        self.cost += line.bytes.len() + LINE_COST;
        self.lines.push_back((number, line));
        let mut dropped = 0;
        while self.cost > KEPT
            && let Some((_, oldest)) = self.lines.pop_front()
        {
            self.cost -= oldest.bytes.len() + LINE_COST;
            dropped += 1;
        }
        dropped
    }
}

impl Partial {
    fn extend(&mut self, text: &[u8]) {
        let room = LONGEST - self.bytes.len();
        self.cut |= text.len() > room;
        self.bytes.extend_from_slice(&text[..text.len().min(room)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn captured(bytes: impl AsyncRead + Unpin) -> Output {
        let output = Output::default();
        output
            .clone()
            .read(Stream::Stdout, bytes, CancellationToken::new())
            .await;
        output
    }

    #[tokio::test]
    async fn lines_are_separated_and_the_last_needs_no_newline() {
        let lines = captured(&b"a\n\nb\xff"[..]).await.lines();
        let bytes: Vec<&[u8]> = lines.iter().map(|it| &*it.bytes).collect();
        assert_eq!(bytes, [&b"a"[..], b"", b"b\xff"]);
    }

    #[tokio::test]
    async fn a_hundred_megabytes_without_an_end_are_one_line_that_is_cut() {
        let output = captured(tokio::io::repeat(b'x').take(100_000_000)).await;
        let lines = output.lines();
        assert_eq!(
            (lines.len(), lines[0].bytes.len(), lines[0].cut),
            (1, LONGEST, true)
        );
    }

    #[tokio::test]
    async fn a_line_after_one_that_was_cut_is_whole() {
        let bytes = [&vec![b'x'; 2 * LONGEST][..], b"\nshort\n"].concat();
        let lines = captured(&bytes[..]).await.lines();
        assert_eq!((&*lines[1].bytes, lines[1].cut), (&b"short"[..], false));
    }

    #[tokio::test]
    async fn a_flood_keeps_the_newest() {
        let flood = b"0123456789\n".repeat(2 << 20);
        let output = captured(&[&flood[..], b"last\n"].concat()[..]).await;
        let lines = output.lines();
        assert_eq!(output.dropped() + lines.len() as u64, (2 << 20) + 1);
        assert_eq!(&*lines.last().expect("a line").bytes, b"last");
    }

    #[tokio::test]
    async fn empty_lines_cost_something_too() {
        let output = captured(tokio::io::repeat(b'\n').take(4 << 20)).await;
        assert!(output.lines().len() * LINE_COST <= KEPT);
    }

    #[tokio::test]
    async fn a_flood_on_one_stream_pushes_nothing_out_of_the_other() {
        let output = captured(&b"precious\n"[..]).await;
        let flood = tokio::io::repeat(b'\n').take(4 << 20);
        output
            .clone()
            .read(Stream::Stderr, flood, CancellationToken::new())
            .await;
        let lines = output.lines();
        assert_eq!(&*lines[0].bytes, b"precious");
        assert_eq!(
            (lines[0].stream, lines[1].stream),
            (Stream::Stdout, Stream::Stderr)
        );
    }

    #[tokio::test]
    async fn a_stream_that_stays_open_is_read_until_enough() {
        let (mut program, ours) = tokio::io::duplex(64);
        let enough = CancellationToken::new();
        let output = Output::default();
        let reading = tokio::spawn(output.clone().read(Stream::Stdout, ours, enough.clone()));
        tokio::io::AsyncWriteExt::write_all(&mut program, b"no newline")
            .await
            .expect("to write");
        tokio::task::yield_now().await;
        enough.cancel();
        reading.await.expect("to end");
        assert_eq!(&*output.lines()[0].bytes, b"no newline");
    }
}
