//! The deadline of each call (GRP-3). (tonic's own ends a call with CANCELLED, and no stream that has begun.)

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;
use hyper::body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep};

use crate::status;

/// Middleware around gRPC: gives a call up when its client does.
pub async fn enforce(request: Request, next: Next) -> Response {
    // A deadline beyond the clock's range is none.
    let deadline = timeout(request.headers()).and_then(|time| Instant::now().checked_add(time));
    let Some(deadline) = deadline else {
        return next.run(request).await;
    };
    match tokio::time::timeout_at(deadline, next.run(request)).await {
        Ok(response) if response.body().is_end_stream() => response,
        Ok(response) => response.map(|body| {
            Body::new(Bounded {
                body,
                deadline: Box::pin(tokio::time::sleep_until(deadline)),
                is_over: false,
            })
        }),
        Err(_) => status::past_deadline().into_http(),
    }
}

/// How long the client waits: `grpc-timeout`, at most eight digits and a unit. Anything else is ignored.
fn timeout(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_hours(number)),
        "M" => Some(Duration::from_mins(number)),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

/// A body that ends at the deadline, with the status that says so.
struct Bounded {
    body: Body,
    deadline: Pin<Box<Sleep>>,
    is_over: bool,
}

impl HttpBody for Bounded {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        if self.deadline.as_mut().poll(cx).is_ready() {
            self.is_over = true;
            // What the call holds is given back now, not when the client has read what it was sent.
            self.body = Body::empty();
            return Poll::Ready(Some(Ok(Frame::trailers(trailers()))));
        }
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.is_over || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        // Unknown: trailers may come in the place of what the body has left.
        SizeHint::default()
    }
}

fn trailers() -> HeaderMap {
    let mut trailers = HeaderMap::new();
    // It fails for messages alone that no header can carry.
    let _ = status::past_deadline().add_header(&mut trailers);
    trailers
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<Duration>) {
        let headers = HeaderMap::from_iter([(
            axum::http::HeaderName::from_static("grpc-timeout"),
            text.parse().expect("a header's value"),
        )]);
        assert_eq!(timeout(&headers), expected, "{text:?}");
    }

    #[test]
    fn a_time_out_has_digits_and_a_unit() {
        check("1H", Some(Duration::from_hours(1)));
        check("2M", Some(Duration::from_mins(2)));
        check("3S", Some(Duration::from_secs(3)));
        check("99999999m", Some(Duration::from_millis(99_999_999)));
        check("5u", Some(Duration::from_micros(5)));
        check("6n", Some(Duration::from_nanos(6)));
        for wrong in ["", "S", "1", "1s", "-1S", "+1S", "123456789n", "1 S"] {
            check(wrong, None);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_ends_at_the_deadline_with_its_status() {
        let body = Bounded {
            body: Body::from_stream(futures::stream::pending::<Result<Bytes, axum::Error>>()),
            deadline: Box::pin(tokio::time::sleep(Duration::from_secs(1))),
            is_over: false,
        };
        let collected = body.collect().await.expect("a body without a fault");
        let trailers = collected.trailers().expect("trailers");
        assert_eq!(trailers["grpc-status"], "4");
    }
}
