//! RES-1, RES-2: time-outs and retries.

use std::error::Error as _;
use std::time::Duration;

use async_trait::async_trait;
use gateway::problem::Problem;
use gateway::user_service::Call;
use tokio::time::Instant;
use tonic::{Code, Status};

use super::{environment, replaced, rules};
use crate::entries::set;
use crate::entry::Entry;
use crate::upstream::{Around, Try, twist};

pub fn entries() -> Vec<Entry> {
    let mut all = timeouts();
    all.extend(tries());
    all.extend(pauses());
    all
}

fn timeouts() -> Vec<Entry> {
    vec![
        environment(
            "gateway-waits-for-ever",
            "RES-1",
            "REQUEST_TIMEOUT is not kept",
            |it| set(it, "REQUEST_TIMEOUT", "1h"),
        ),
        environment(
            "gateway-is-impatient",
            "RES-1",
            "a request is given up after a second, whatever REQUEST_TIMEOUT says",
            |it| set(it, "REQUEST_TIMEOUT", "1s"),
        ),
        environment(
            "gateway-time-out-is-short",
            "RES-1",
            "a request is given up long before its time",
            |it| set(it, "REQUEST_TIMEOUT", "100ms"),
        ),
        rules(
            "gateway-time-out-is-503",
            "RES-1",
            "a time-out is 503",
            |it| {
                it.problem = |status| match status.code() {
                    Code::DeadlineExceeded => of(&Status::unavailable("")),
                    _ => of(status),
                };
            },
        ),
        replaced(
            "gateway-time-of-each-try",
            "RES-1",
            "each try has the whole time of the request",
            |it| {
                it.rules.retry.attempts = |_| 1;
                twist(it, Stubborn);
            },
        ),
        replaced(
            "gateway-late-for-good",
            "RES-1",
            "after a time-out every request is 504",
            |it| twist(it, LateForGood::default()),
        ),
    ]
}

fn tries() -> Vec<Entry> {
    vec![
        rules(
            "gateway-tries-once",
            "RES-2",
            "nothing is tried again",
            |it| it.retry.attempts = |_| 1,
        ),
        rules(
            "gateway-one-try-too-many",
            "RES-2",
            "RETRY_MAX_ATTEMPTS counts the tries after the first",
            |it| it.retry.attempts = |attempts| attempts + 1,
        ),
        rules(
            "gateway-always-three-tries",
            "RES-2",
            "there are three tries, whatever RETRY_MAX_ATTEMPTS says",
            |it| it.retry.attempts = |_| 3,
        ),
        rules(
            "gateway-tries-writes-again",
            "RES-2",
            "every method is tried again",
            |it| it.retry.methods = |_| true,
        ),
        rules(
            "gateway-tries-deletes-again",
            "RES-2",
            "a DELETE is tried again, as it is idempotent",
            |it| it.retry.methods = |method| method == "GET" || method == "DELETE",
        ),
        rules(
            "gateway-tries-puts-again",
            "RES-2",
            "a PUT is tried again, as it is idempotent",
            |it| it.retry.methods = |method| method == "GET" || method == "PUT",
        ),
        retried(
            "gateway-tries-internal-again",
            "INTERNAL is tried again",
            |code| matches!(code, Code::Unavailable | Code::Internal),
        ),
        retried(
            "gateway-tries-unknown-again",
            "UNKNOWN is tried again",
            |code| matches!(code, Code::Unavailable | Code::Unknown),
        ),
        retried(
            "gateway-tries-late-answers-again",
            "DEADLINE_EXCEEDED is tried again",
            |code| matches!(code, Code::Unavailable | Code::DeadlineExceeded),
        ),
        retried(
            "gateway-tries-exhausted-again",
            "RESOURCE_EXHAUSTED and ABORTED are tried again",
            |code| {
                matches!(
                    code,
                    Code::Unavailable | Code::ResourceExhausted | Code::Aborted
                )
            },
        ),
        retried(
            "gateway-tries-all-errors-again",
            "everything but OK is tried again",
            |_| true,
        ),
        replaced(
            "gateway-repeats-broken-calls",
            "RES-2",
            "a call whose connection broke is made again, whatever it is",
            |it| twist(it, AfterBreaks),
        ),
        replaced(
            "gateway-knows-no-outage",
            "RES-2",
            "a GET that finds nobody is not tried again",
            |it| twist(it, FailsAtOnce),
        ),
    ]
}

fn retried(id: &'static str, wrong: &'static str, codes: fn(Code) -> bool) -> Entry {
    rules(id, "RES-2", wrong, move |it| it.retry.codes = codes)
}

fn pauses() -> Vec<Entry> {
    let paused = |id, wrong, pause: fn(Duration, u32, f64) -> Duration| {
        rules(id, "RES-2", wrong, move |it| it.retry.pause = pause)
    };
    vec![
        paused("gateway-no-pause", "tries follow at once", |_, _, _| {
            Duration::ZERO
        }),
        paused(
            "gateway-same-pause",
            "every pause is like the first",
            |base, _, random| base.mul_f64(0.5 + random),
        ),
        paused(
            "gateway-no-jitter",
            "pauses are not random",
            |base, number, _| base * 2_u32.pow(number - 1),
        ),
        paused(
            "gateway-full-jitter",
            "pauses begin at nothing",
            |base, number, random| (base * 2_u32.pow(number - 1)).mul_f64(random),
        ),
        paused(
            "gateway-doubles-too-early",
            "the first pause is doubled already",
            |base, number, random| (base * 2_u32.pow(number)).mul_f64(0.5 + random),
        ),
        environment(
            "gateway-own-base-delay",
            "RES-2",
            "RETRY_BASE_DELAY is not kept",
            |it| set(it, "RETRY_BASE_DELAY", "10ms"),
        ),
    ]
}

/// As the contract has it.
fn of(status: &Status) -> Problem {
    (gateway::rules::Rules::default().problem)(status)
}

/// Tries five times, each as long as it likes.
struct Stubborn;

#[async_trait]
impl Around for Stubborn {
    async fn make<T: Send>(&self, call: &Call, send: Try<'_, T>) -> Result<T, Status> {
        let mut tries = 0;
        loop {
            let deadline = Instant::now() + Duration::from_secs(10);
            let request_id = call.request_id.clone();
            let answer = send(Call {
                request_id,
                deadline,
            })
            .await;
            tries += 1;
            match answer {
                Err(status) if status.code() == Code::Unavailable && tries < 5 => {}
                answer => return answer,
            }
        }
    }
}

/// Never forgets a time-out.
#[derive(Default)]
struct LateForGood(std::sync::atomic::AtomicBool);

#[async_trait]
impl Around for LateForGood {
    async fn make<T: Send>(&self, call: &Call, send: Try<'_, T>) -> Result<T, Status> {
        use std::sync::atomic::Ordering::Relaxed;
        if self.0.load(Relaxed) {
            return Err(Status::deadline_exceeded("late"));
        }
        let answer = send(call.clone()).await;
        let late = |it: &Status| it.code() == Code::DeadlineExceeded;
        self.0.store(answer.as_ref().is_err_and(late), Relaxed);
        answer
    }
}

/// Makes a call again if its connection broke.
struct AfterBreaks;

#[async_trait]
impl Around for AfterBreaks {
    async fn make<T: Send>(&self, call: &Call, send: Try<'_, T>) -> Result<T, Status> {
        match send(call.clone()).await {
            Err(status) if status.source().is_some() => send(call.clone()).await,
            answer => answer,
        }
    }
}

/// Takes what finds nobody for a mistake of its own.
struct FailsAtOnce;

#[async_trait]
impl Around for FailsAtOnce {
    async fn make<T: Send>(&self, call: &Call, send: Try<'_, T>) -> Result<T, Status> {
        match send(call.clone()).await {
            Err(status) if status.source().is_some() => Err(Status::internal("nobody there")),
            answer => answer,
        }
    }
}
