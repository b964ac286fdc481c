//! HTTP/1.1 byte by byte: the request is sent exactly as given, and the answer is read while it is being sent.

use std::time::{Duration, Instant};

use bytes::Bytes;
use conformance_engine::failure::StepResult;
use conformance_engine::observe::elapse;
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::raw;
use crate::checks::http_answer::HttpAnswer;

/// Time limit of an answer, far above every limit of the contract.
const GIVE_UP: Duration = Duration::from_secs(30);

/// The maximum number of header lines of an answer.
const HEADERS: usize = 64;

/// How the end of a body is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// By its length in the head.
    Length,
    /// By a chunk of size 0.
    Chunked,
}

/// The head of a request whose body is JSON, with this header line about its body.
pub fn head(request: &str, id: &str, about: &str) -> Bytes {
    format!(
        "{request} HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: {id}\r\nContent-Type: application/json\r\n{about}\r\n\r\n"
    )
    .into()
}

/// A request as it goes on the wire: its head, then each part of its body, as a chunk where it is chunked.
pub fn pieces(request: &str, id: &str, framing: Framing, parts: &[&[u8]]) -> Vec<Bytes> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let about = match framing {
        Framing::Length => format!("Content-Length: {length}"),
        Framing::Chunked => "Transfer-Encoding: chunked".to_owned(),
    };
    let mut pieces = vec![head(request, id, &about)];
    match framing {
        Framing::Length => pieces.extend(parts.iter().map(|part| Bytes::copy_from_slice(part))),
        Framing::Chunked => {
            pieces.extend(parts.iter().map(|part| chunk(part)));
            pieces.push(Bytes::from_static(b"0\r\n\r\n"));
        }
    }
    pieces
}

/// One chunk (RFC 9112, section 7.1).
fn chunk(bytes: &[u8]) -> Bytes {
    let size = format!("{:x}\r\n", bytes.len());
    Bytes::from([size.as_bytes(), bytes, b"\r\n"].concat())
}

/// Sends the pieces one after the other until an answer is there, and reads it. A pause after each piece lets the other
/// side read it alone.
///
/// The error says how the connection ended without an answer.
pub async fn send_slowly(
    port: u16,
    pieces: Vec<Bytes>,
    pause: Duration,
) -> StepResult<Result<HttpAnswer, String>> {
    let begun = Instant::now();
    let stream = raw::connect(port).await?;
    // Each piece is sent immediately, before earlier ones are acknowledged.
    let _ = stream.set_nodelay(true);
    let (mut reader, mut writer) = stream.into_split();
    let writing = tokio::spawn(async move {
        for piece in pieces {
            // A server that has already answered need not read the rest.
            if writer.write_all(&piece).await.is_err() {
                break;
            }
            if !pause.is_zero() {
                elapse(pause).await;
            }
        }
        writer
    });
    let reading = async {
        let mut seen = Vec::new();
        loop {
            if let Some(answer) = parse(&seen, false, begun)? {
                return Ok(answer);
            }
            let read = reader.read_buf(&mut seen).await;
            if !matches!(read, Ok(1..)) {
                let end = read.map_or_else(|error| error.to_string(), |_| "closed".to_owned());
                let whole = parse(&seen, true, begun)?;
                return whole.ok_or_else(|| format!("no whole answer, the connection: {end}"));
            }
        }
    };
    let answer = tokio::time::timeout(GIVE_UP, reading).await;
    writing.abort();
    let given_up = || Err(format!("no answer within {} s", GIVE_UP.as_secs()));
    Ok(answer.unwrap_or_else(|_| given_up()))
}

/// The answer, if it is complete; `over` means that no more bytes will follow.
fn parse(seen: &[u8], over: bool, begun: Instant) -> Result<Option<HttpAnswer>, String> {
    let mut lines = [httparse::EMPTY_HEADER; HEADERS];
    let mut head = httparse::Response::new(&mut lines);
    let length = match head.parse(seen) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => return Err(format!("no HTTP: {error}")),
    };
    let status = head.code.unwrap_or_default();
    let headers: HeaderMap = head
        .headers
        .iter()
        .filter_map(|header| {
            let name = HeaderName::from_bytes(header.name.as_bytes()).ok()?;
            Some((name, HeaderValue::from_bytes(header.value).ok()?))
        })
        .collect();
    if status == 100 {
        return parse(&seen[length..], over, begun);
    }
    let Some(body) = body(&headers, &seen[length..], over)? else {
        return Ok(None);
    };
    Ok(Some(HttpAnswer {
        status,
        headers,
        body: body.into(),
        took: begun.elapsed(),
    }))
}

/// The body, if all of it is there (RFC 9112, section 6.3).
fn body(headers: &HeaderMap, rest: &[u8], over: bool) -> Result<Option<Vec<u8>>, String> {
    let text = |name: &str| headers.get(name).and_then(|it| it.to_str().ok());
    if text("transfer-encoding").is_some_and(|it| it.eq_ignore_ascii_case("chunked")) {
        return chunked(rest);
    }
    match text("content-length").and_then(|it| it.parse::<usize>().ok()) {
        Some(length) => Ok(rest.get(..length).map(<[u8]>::to_vec)),
        None => Ok(over.then(|| rest.to_vec())),
    }
}

fn chunked(mut rest: &[u8]) -> Result<Option<Vec<u8>>, String> {
    let mut body = Vec::new();
    loop {
        match httparse::parse_chunk_size(rest) {
            Ok(httparse::Status::Complete((_, 0))) => return Ok(Some(body)),
            Ok(httparse::Status::Complete((start, size))) => {
                let size = usize::try_from(size).unwrap_or(usize::MAX);
                let Some(end) = start.checked_add(size).filter(|it| it + 2 <= rest.len()) else {
                    return Ok(None);
                };
                body.extend_from_slice(&rest[start..end]);
                rest = &rest[end + 2..];
            }
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err("a chunk without a size".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, over: bool, expected: Option<(u16, &str)>) {
        let answer = parse(text.as_bytes(), over, Instant::now()).expect("HTTP");
        let seen = answer.map(|it| (it.status, String::from_utf8_lossy(&it.body).into_owned()));
        let seen = seen.as_ref().map(|it| (it.0, it.1.as_str()));
        assert_eq!(seen, expected);
    }

    #[test]
    fn an_answer_is_whole_by_its_length_its_chunks_or_its_end() {
        check("HTTP/1.1 413 x\r\nContent-Le", false, None);
        check("HTTP/1.1 413 x\r\nContent-Length: 2\r\n\r\n{", false, None);
        check(
            "HTTP/1.1 413 x\r\nContent-Length: 2\r\n\r\n{}",
            false,
            Some((413, "{}")),
        );
        let chunks = "HTTP/1.1 400 x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n";
        check(chunks, false, None);
        check(&format!("{chunks}0\r\n\r\n"), false, Some((400, "{}")));
        check("HTTP/1.1 400 x\r\n\r\n{}", false, None);
        check("HTTP/1.1 400 x\r\n\r\n{}", true, Some((400, "{}")));
        check(
            "HTTP/1.1 100 x\r\n\r\nHTTP/1.1 204 x\r\nContent-Length: 0\r\n\r\n",
            false,
            Some((204, "")),
        );
    }

    #[test]
    fn a_body_is_framed_by_its_length_or_in_chunks() {
        let parts: [&[u8]; 2] = [b"ab", b"0123456789"];
        let by_length = pieces("POST /", "x", Framing::Length, &parts).concat();
        let by_length = String::from_utf8_lossy(&by_length);
        assert!(by_length.contains("\r\nContent-Length: 12\r\n\r\nab0123456789"));
        let chunked = pieces("POST /", "x", Framing::Chunked, &parts).concat();
        let chunked = String::from_utf8_lossy(&chunked);
        assert!(chunked.ends_with("\r\n\r\n2\r\nab\r\na\r\n0123456789\r\n0\r\n\r\n"));
    }
}
