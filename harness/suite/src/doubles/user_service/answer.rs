//! Answers to a call: by the contract, or broken in any way.

use std::time::Duration;

use bytes::Bytes;
use h2::Reason;
use http::HeaderValue;
use tokio_util::sync::CancellationToken;
use tonic::Code;

use super::raw::{Raw, encoded};

/// How a `UserService` call is answered.
#[derive(Clone, Debug)]
pub enum ScriptedAnswer {
    /// By the contract, over the users of the double.
    Contract,
    /// With this status and no message.
    Status {
        /// `grpc-status`: also an unknown number.
        code: u32,
        /// `grpc-message` as it goes on the wire, valid or not; [`ScriptedAnswer::status`] encodes text.
        message: HeaderValue,
    },
    /// With these bytes as the one message, valid or not, and status OK.
    Message(Bytes),
    /// With these headers, bytes and trailers.
    Raw(Raw),
    /// After this time, with that.
    After(Duration, Box<ScriptedAnswer>),
    /// As soon as the gate is opened, with that.
    Held(Gate, Box<ScriptedAnswer>),
    /// Not at all: no headers come, and the stream stays open.
    Never,
    /// With headers only; the stream stays open.
    HeadersOnly,
    /// With the end of the TCP connection.
    CloseBefore,
    /// With headers and the end of the TCP connection.
    CloseAfterHeaders,
    /// With headers, a part of a message and the end of the TCP connection.
    CloseMidMessage,
    /// With that, and the end of the TCP connection once it is sent.
    CloseAfter(Box<ScriptedAnswer>),
    /// With `RST_STREAM`; `REFUSED_STREAM` says that the call was not processed.
    Reset(Reason),
    /// With that after a graceful GOAWAY; the connection ends when its calls have ended.
    GoAway(Box<ScriptedAnswer>),
    /// With a GOAWAY whose last stream is before this call's: the call was not processed, and so
    /// were those of later streams. Earlier calls go on; closing the connection is the client's part.
    GoAwayUnprocessed,
}

impl ScriptedAnswer {
    /// With a status whose message is ordinary text.
    pub fn status(code: Code, message: &str) -> Self {
        Self::Status {
            code: code as u32,
            message: encoded(message),
        }
    }

    /// This, after some time.
    #[must_use]
    pub fn after(self, time: Duration) -> Self {
        Self::After(time, Box::new(self))
    }

    /// This, once the gate is opened.
    #[must_use]
    pub fn held_by(self, gate: &Gate) -> Self {
        Self::Held(gate.clone(), Box::new(self))
    }
}

/// Holds answers back until it is opened, all of those that it holds; clones are the same gate.
#[derive(Clone, Debug, Default)]
pub struct Gate(CancellationToken);

impl Gate {
    /// A closed gate.
    pub fn new() -> Self {
        Self::default()
    }

    /// Releases the answers, and holds none back any more.
    pub fn open(&self) {
        self.0.cancel();
    }

    /// Ends when it is open.
    pub async fn opened(&self) {
        self.0.cancelled().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_encoded_as_grpc_says() {
        assert_eq!(encoded("user not found"), "user not found");
        assert_eq!(encoded("100 %"), "100 %25");
        assert_eq!(encoded("caf\u{e9}\n"), "caf%C3%A9%0A");
    }
}
