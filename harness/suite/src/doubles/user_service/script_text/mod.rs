//! Scripts in words, as features say them.
//!
//! A script is a list of parts joined by `, then `. A part is an answer, then how late it comes, then
//! for how many calls: `UNAVAILABLE "try later" after 200 ms twice, then OK`. What [`ANSWERS`] and
//! [`TIMES`] list is all that is known.
//!
//! - [`words`]: texts in quotes, numbers and times within a sentence

#[cfg(test)]
mod tests;
mod words;

use bytes::Bytes;
use h2::Reason;
use http::{HeaderValue, StatusCode};

use self::words::{number, numbered, parts, quoted, text};
use super::answer::ScriptedAnswer;
use super::raw::Raw;
use super::raw::encoded;
use super::script::Script;
use crate::params::{Span, StatusCode as Named};

/// Answers as they are written.
pub const ANSWERS: &[&str] = &[
    "OK",
    "UNAVAILABLE",
    "code 99",
    "UNAVAILABLE \"a message\"",
    "UNAVAILABLE with the raw message \"%zz\\xff\"",
    "UNAVAILABLE with a message of 1048576 bytes",
    "no answer",
    "headers only",
    "a closed connection",
    "a connection closed after the headers",
    "a connection closed in the middle of the answer",
    "a connection closed after the answer",
    "a refused stream",
    "a stream reset with INTERNAL_ERROR",
    "GOAWAY, then OK",
    "a GOAWAY that leaves the call unprocessed",
    "a message that is no protobuf",
    "an empty message",
    "two messages",
    "no message",
    "a compressed message",
    "a message longer than its length",
    "a message shorter than its length",
    "an answer without a status",
    "an answer of another content type",
    "HTTP 502",
];

/// For how many calls an answer is.
pub const TIMES: &[&str] = &["once", "twice", "3 times", "for every call", "from now on"];

/// More calls than any scenario makes; what is meant for all is `for every call`.
const MOST_TIMES: usize = 1_000;

/// Longer messages than any client takes.
const LONGEST_MESSAGE: usize = 8 << 20;

/// No message of any kind: a field with the wire type 7.
const NO_PROTOBUF: &[u8] = b"\x0f\xff\xff";

/// Reads a script; the error names what was not understood and what is.
pub fn parse(sentence: &str) -> Result<Script, String> {
    let mut script = Script::default();
    let mut parts = parts(sentence).into_iter();
    while let Some(part) = parts.next() {
        if script.otherwise.is_some() {
            return Err(format!(
                "{part:?} in {sentence:?} comes after an answer for every call, so no call gets it"
            ));
        }
        let (farewell, part) = if part == "GOAWAY" {
            let next = parts.next().ok_or_else(|| {
                format!("{sentence:?} ends with GOAWAY; say what comes after it: GOAWAY, then OK")
            })?;
            (true, next)
        } else {
            (false, part)
        };
        let (spoken, times) = times(part)?;
        let answer = delayed(spoken)?;
        let answer = if farewell {
            ScriptedAnswer::GoAway(Box::new(answer))
        } else {
            answer
        };
        match times {
            Some(times) => script.answers.extend(std::iter::repeat_n(answer, times)),
            None => script.otherwise = Some(answer),
        }
    }
    Ok(script)
}

/// For how many calls a part is; nothing is all of them.
fn times(part: &str) -> Result<(&str, Option<usize>), String> {
    for (ending, times) in [
        (" once", Some(1)),
        (" twice", Some(2)),
        (" for every call", None),
        (" from now on", None),
    ] {
        if let Some(rest) = part.strip_suffix(ending) {
            return Ok((rest, times));
        }
    }
    let Some((rest, count)) = numbered(part, "times") else {
        return Ok((part, Some(1)));
    };
    if (1..=MOST_TIMES).contains(&count) {
        return Ok((rest, Some(count)));
    }
    Err(format!(
        "{count} times in {part:?} is not between 1 and {MOST_TIMES}; for all calls say: {}",
        TIMES[3..].join(", ")
    ))
}

/// An answer, late or not.
fn delayed(part: &str) -> Result<ScriptedAnswer, String> {
    if let Some((rest, time)) = part.rsplit_once(" after ")
        && let Ok(Span(time)) = time.parse()
    {
        return Ok(answer(rest)?.after(time));
    }
    answer(part)
}

fn answer(part: &str) -> Result<ScriptedAnswer, String> {
    let simple = simple(part).map(Ok);
    simple
        .or_else(|| status(part))
        .or_else(|| reset(part))
        .or_else(|| http(part))
        .unwrap_or_else(|| Err(unknown(part)))
}

fn unknown(part: &str) -> String {
    format!(
        "{part:?} is no answer; known are: {}; each with \"after 200 ms\", and for more calls than \
         one with: {}",
        ANSWERS.join(" | "),
        TIMES.join(" | ")
    )
}

/// The answers that are always the same.
fn simple(part: &str) -> Option<ScriptedAnswer> {
    let message = |it: &'static [u8]| ScriptedAnswer::Message(Bytes::from_static(it));
    let data = |it: &'static [u8]| ScriptedAnswer::Raw(Raw::grpc().data(it).ended(0));
    Some(match part {
        "OK" => ScriptedAnswer::Contract,
        "no answer" => ScriptedAnswer::Never,
        "headers only" => ScriptedAnswer::HeadersOnly,
        "a closed connection" => ScriptedAnswer::CloseBefore,
        "a connection closed after the headers" => ScriptedAnswer::CloseAfterHeaders,
        "a connection closed in the middle of the answer" => ScriptedAnswer::CloseMidMessage,
        "a connection closed after the answer" => {
            ScriptedAnswer::CloseAfter(Box::new(ScriptedAnswer::Contract))
        }
        "a refused stream" => ScriptedAnswer::Reset(Reason::REFUSED_STREAM),
        "a GOAWAY that leaves the call unprocessed" => ScriptedAnswer::GoAwayUnprocessed,
        "a message that is no protobuf" => message(NO_PROTOBUF),
        "an empty message" => message(b""),
        "two messages" => ScriptedAnswer::Raw(Raw::grpc().message(b"").message(b"").ended(0)),
        "no message" => ScriptedAnswer::Raw(Raw::grpc().ended(0)),
        "a compressed message" => data(b"\x01\0\0\0\x02\x0a\0"),
        "a message longer than its length" => data(b"\0\0\0\0\x02\x0a\0\x0a\0"),
        "a message shorter than its length" => data(b"\0\0\0\0\x40\x0a\0"),
        "an answer without a status" => ScriptedAnswer::Raw(Raw::grpc().message(b"")),
        "an answer of another content type" => ScriptedAnswer::Raw(Raw::http(StatusCode::OK)),
        _ => return None,
    })
}

/// `UNAVAILABLE`, `code 99`, with a message or without.
fn status(part: &str) -> Option<Result<ScriptedAnswer, String>> {
    let (code, rest) = if let Some(rest) = part.strip_prefix("code ") {
        let (digits, rest) = rest.split_at(rest.find(' ').unwrap_or(rest.len()));
        (number(digits)?, rest)
    } else {
        let (word, rest) = part.split_at(part.find(' ').unwrap_or(part.len()));
        let Named(code) = word.parse().ok()?;
        (code as u32, rest)
    };
    let message = match rest {
        "" => Ok(HeaderValue::from_static("")),
        _ => message(rest.trim_start())?,
    };
    Some(message.map(|message| ScriptedAnswer::Status { code, message }))
}

/// What follows a code.
fn message(rest: &str) -> Option<Result<HeaderValue, String>> {
    if let Some(raw) = rest.strip_prefix("with the raw message ") {
        let bytes = quoted(raw)?;
        return Some(HeaderValue::from_bytes(&bytes).map_err(|_| {
            format!("{raw} holds a byte that no header can carry: a control character")
        }));
    }
    if let Some(rest) = rest.strip_prefix("with a message of ") {
        let size = number(rest.strip_suffix(" bytes")?)?;
        if size > LONGEST_MESSAGE {
            let cause = format!("a message of {size} bytes is over {LONGEST_MESSAGE}");
            return Some(Err(cause));
        }
        return Some(Ok(encoded(&"m".repeat(size))));
    }
    Some(text(rest)?.map(|it| encoded(&it)))
}

/// `a stream reset with CANCEL`.
fn reset(part: &str) -> Option<Result<ScriptedAnswer, String>> {
    let name = part.strip_prefix("a stream reset with ")?;
    // RFC 9113 has these codes and no others.
    let reason = (0..=13)
        .map(Reason::from)
        .find(|it| format!("{it:?}") == name);
    let reason = reason.ok_or_else(|| {
        format!("{name:?} is no error code of HTTP/2 (RFC 9113, section 7), such as CANCEL")
    });
    Some(reason.map(ScriptedAnswer::Reset))
}

/// `HTTP 502`.
fn http(part: &str) -> Option<Result<ScriptedAnswer, String>> {
    let status: u16 = number(part.strip_prefix("HTTP ")?)?;
    // Those below 200 are not the end of an answer.
    let status = StatusCode::from_u16(status)
        .ok()
        .filter(|it| it.as_u16() >= 200);
    let answer = status.map(|it| ScriptedAnswer::Raw(Raw::http(it)));
    Some(answer.ok_or_else(|| format!("{part:?}: no such status; those from 200 to 999 are")))
}
