//! Waiting for the calls that a double receives, and for their ends.

use std::time::Duration;

use conformance_engine::failure::StepResult;
use conformance_engine::observe::{eventually, holds_for};

use super::UserServiceDouble;
use super::records::{Ending, ReceivedCall};

impl UserServiceDouble {
    /// Waits until this many calls have come after the first `before`.
    pub async fn receives(&self, before: usize, count: usize, limit: Duration) -> StepResult {
        eventually(format!("{count} calls"), limit, async || {
            let calls = self.calls().len() - before;
            (calls >= count)
                .then_some(())
                .ok_or(format!("{calls} calls"))
        })
        .await
    }

    /// Watches that exactly this many calls have come after the first `before`.
    pub async fn receives_only(&self, before: usize, count: usize, window: Duration) -> StepResult {
        holds_for(format!("{count} calls and no other"), window, async || {
            let calls = self.calls().len() - before;
            (calls == count)
                .then_some(())
                .ok_or(format!("{calls} calls"))
        })
        .await
    }

    /// Waits until no call after the first `before` is open any more.
    pub async fn calls_are_over(&self, before: usize, limit: Duration) -> StepResult {
        eventually("every call has ended", limit, async || {
            let calls = self.calls();
            let open = calls[before..].iter().filter(|call| !call.is_over());
            match open.count() {
                0 => Ok(()),
                open => Err(format!("{open} of {} are open", calls.len() - before)),
            }
        })
        .await
    }

    /// How the call of a request ended, so far.
    pub fn ending(&self, request_id: &str) -> Option<Ending> {
        let calls = self.calls();
        let call = calls
            .iter()
            .find(|call| call.request_id() == Some(request_id));
        call.map(|call| call.ending)
    }

    /// Waits until the call of a request has ended.
    pub async fn call_ends(&self, request_id: &str, limit: Duration) -> StepResult<Ending> {
        eventually("the call ends", limit, async || {
            match self.ending(request_id) {
                Some(Ending::Open) | None => Err("it is open"),
                Some(ending) => Ok(ending),
            }
        })
        .await
    }
}

impl ReceivedCall {
    /// Whether it was answered or given up, or its own deadline has passed.
    fn is_over(&self) -> bool {
        let deadline = self.header("grpc-timeout").and_then(timeout);
        self.ending != Ending::Open || deadline.is_some_and(|limit| self.received.elapsed() > limit)
    }
}

/// A time of `grpc-timeout`: `500m`, `5S`.
fn timeout(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: u64 = number.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(3600 * number),
        "M" => Duration::from_secs(60 * number),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grpc_timeout_is_a_number_with_a_unit() {
        assert_eq!(timeout("500m"), Some(Duration::from_millis(500)));
        assert_eq!(timeout("5S"), Some(Duration::from_secs(5)));
        assert_eq!(timeout("2M"), Some(Duration::from_mins(2)));
        for text in ["", "S", "5", "5s", "-5S", "5\u{e9}"] {
            assert_eq!(timeout(text), None, "{text:?}");
        }
    }
}
