//! Malformed bodies.

use std::time::Duration;

use bytes::Bytes;
use conformance_engine::failure::{Failure, StepResult};
use cucumber::{then, when};

use crate::drivers::raw_http::{self, Framing};
use crate::world::World;
use crate::world::gateway::{Exchange, SentRequest};

/// A complete user with a body of this length, by an unknown member.
fn body_of(world: &mut World, bytes: usize) -> StepResult<Vec<u8>> {
    let user = world.newcomer();
    let start = serde_json::json!({"email": user.email, "name": user.name, "filler": ""});
    let start = start.to_string();
    let filler = bytes.checked_sub(start.len());
    let filler = filler.ok_or_else(|| Failure::broken("such a body is too short for a user"))?;
    Ok(start
        .replace(
            "\"filler\":\"\"",
            &format!("\"filler\":\"{}\"", "x".repeat(filler)),
        )
        .into_bytes())
}

/// Parts that fit into one chunk each.
const CHUNK: usize = 65_536;

fn framing(how: &str) -> Framing {
    match how {
        "in chunks" => Framing::Chunked,
        _ => Framing::Length,
    }
}

impl World {
    /// Sends a request byte by byte, with a pause after each piece; records it in the journal.
    async fn send_raw(
        &mut self,
        request: &str,
        pieces: Vec<Bytes>,
        pause: Duration,
    ) -> StepResult<Exchange> {
        let port = self.deployment().await?.slot(0)?.port("PORT")?;
        let answer = raw_http::send_slowly(port, pieces, pause).await?;
        let mut request = SentRequest::parse(request)?;
        request.id = Some(self.scenario.id.clone());
        let exchange = Exchange { request, answer };
        self.scenario.journal.note(exchange.summary());
        Ok(exchange)
    }
}

#[when(regex = r"^a body of (\d+) bytes is sent to `(.+)` (with its length|in chunks)$")]
async fn body_is_sent(world: &mut World, bytes: usize, request: String, how: String) -> StepResult {
    world.begin_requests().await?;
    let request = world.text(&request)?;
    let body = body_of(world, bytes)?;
    let parts: Vec<&[u8]> = match framing(&how) {
        Framing::Length => vec![&body],
        Framing::Chunked => body.chunks(CHUNK).collect(),
    };
    let pieces = raw_http::pieces(&request, &world.scenario.id, framing(&how), &parts);
    let exchange = world.send_raw(&request, pieces, Duration::ZERO).await?;
    world.gateway.exchanges.push(exchange);
    Ok(())
}

/// A user with characters of two, three and four bytes.
const PIECES: &str = "{\"email\": \"pieces@example.com\", \"name\": \"Ada \u{e9} \u{20ac} \u{1f600}\", \
     \"metadata\": {\"k\": \"\u{1f600}\u{e9}\"}}";

/// Longer than a reader of the other side takes to see a piece alone.
const BETWEEN_PIECES: Duration = Duration::from_millis(40);

/// The text cut within each of its long characters.
fn cut_within_characters(text: &'static str) -> Vec<&'static [u8]> {
    let long = text.char_indices().filter(|(_, it)| !it.is_ascii());
    let mut cuts: Vec<usize> = long.map(|(at, it)| at + it.len_utf8() / 2).collect();
    cuts.push(text.len());
    let starts = std::iter::once(0).chain(cuts.clone());
    let pieces = starts.zip(&cuts);
    pieces
        .map(|(from, to)| &text.as_bytes()[from..*to])
        .collect()
}

#[when(regex = r"^a body is sent in pieces (with its length|in chunks) that split a character$")]
async fn body_in_pieces(world: &mut World, how: String) -> StepResult {
    world.begin_requests().await?;
    let request = "POST /api/v1/users";
    let parts = cut_within_characters(PIECES);
    let pieces = raw_http::pieces(request, &world.scenario.id, framing(&how), &parts);
    let exchange = world.send_raw(request, pieces, BETWEEN_PIECES).await?;
    let created = exchange.is(201).map(|_| ());
    created.map_err(|got| Failure::mismatch("201", got))
}

#[when("a body that is no UTF-8 is sent to every route that takes one")]
async fn no_utf8(world: &mut World) -> StepResult {
    world.begin_requests().await?;
    for request in ["POST /api/v1/users", "PUT /api/v1/users/x"] {
        for body in [
            &b"{\"email\": \"\xff@b.com\", \"name\": \"x\"}"[..],
            b"\xff\xfe{\x00}\x00",
            b"{\"name\": \"\xed\xa0\x80\", \"email\": \"x\"}",
        ] {
            let request = SentRequest::parse(request)?.with_body(Bytes::from_static(body));
            let exchange = world.request(request).await?;
            world.gateway.exchanges.push(exchange);
        }
    }
    Ok(())
}

#[when("a body is sent without a Content-Type")]
async fn without_content_type(world: &mut World) -> StepResult {
    world.begin_requests().await?;
    let user = world.newcomer();
    let body = serde_json::json!({"email": user.email, "name": user.name}).to_string();
    let id = world.scenario.id.clone();
    let request = "POST /api/v1/users";
    let whole = format!(
        "{request} HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: {id}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let pieces = vec![whole.into()];
    let exchange = world.send_raw(request, pieces, Duration::ZERO).await?;
    world.gateway.exchanges.push(exchange);
    Ok(())
}

#[when(
    regex = r"^a body (that ends before its length|with a chunk whose size is no number|that never ends|with two different lengths) is sent$"
)]
async fn broken_body(world: &mut World, how: String) -> StepResult {
    world.begin_requests().await?;
    let (about, body) = match how.as_str() {
        "that ends before its length" => ("Content-Length: 100", "{\"email\": "),
        "with a chunk whose size is no number" => (
            "Transfer-Encoding: chunked",
            "5\r\n{\"a\":\r\nxyz\r\n1}\r\n0\r\n\r\n",
        ),
        "that never ends" => ("Transfer-Encoding: chunked", "5\r\n{\"a\":\r\n"),
        _ => ("Content-Length: 2\r\nContent-Length: 3", "{} "),
    };
    let port = world.deployment().await?.slot(0)?.port("PORT")?;
    let head = raw_http::head("POST /api/v1/users", &world.scenario.id, about);
    let request = [head.as_ref(), body.as_bytes()].concat();
    // The answer is undefined: the request is malformed.
    crate::drivers::raw::send(port, &request).await
}

#[then("the answer is 413 in the shape of an error")]
#[then("the answer is 413 with its request id")]
async fn answer_is_413(world: &mut World) -> StepResult {
    let checked = world.newest()?.is(413);
    checked
        .map(|_| ())
        .map_err(|got| Failure::mismatch("413, an error with its request id", got))
}
