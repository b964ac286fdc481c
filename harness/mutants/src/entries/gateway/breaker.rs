//! RES-3, RES-4: the breaker.

use std::time::Duration;

use async_trait::async_trait;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use gateway::breaker::Outcome;
use gateway::parts::Parts;
use gateway::user_service::Call;
use tonic::{Code, Status};

use super::{environment, replaced, rules};
use crate::entries::{pass, set};
use crate::entry::{Entry, Variables};
use crate::upstream::{Around, Try, twist};

pub fn entries() -> Vec<Entry> {
    let mut all = counting();
    all.extend(answers());
    all.extend(trials());
    all
}

fn counts(id: &'static str, wrong: &'static str, is_failure: fn(Code) -> bool) -> Entry {
    rules(id, "RES-3", wrong, move |it| {
        it.breaker.is_failure = is_failure;
    })
}

/// As the contract has it.
fn fails(code: Code) -> bool {
    (gateway::breaker::BreakerRules::default().is_failure)(code)
}

fn counting() -> Vec<Entry> {
    vec![
        counts("breaker-never-opens", "nothing is a failure", |_| false),
        counts(
            "breaker-knows-unavailable-alone",
            "only UNAVAILABLE is a failure",
            |it| it == Code::Unavailable,
        ),
        counts(
            "breaker-ignores-unavailable",
            "UNAVAILABLE is no failure",
            |it| fails(it) && it != Code::Unavailable,
        ),
        counts("breaker-ignores-internal", "INTERNAL is no failure", |it| {
            fails(it) && it != Code::Internal
        }),
        counts("breaker-ignores-unknown", "UNKNOWN is no failure", |it| {
            fails(it) && it != Code::Unknown
        }),
        counts(
            "breaker-ignores-time-outs",
            "DEADLINE_EXCEEDED is no failure",
            |it| fails(it) && it != Code::DeadlineExceeded,
        ),
        counts(
            "breaker-counts-every-error",
            "every error is a failure",
            |it| it != Code::Ok,
        ),
        counts("breaker-counts-not-found", "NOT_FOUND is a failure", |it| {
            fails(it) || it == Code::NotFound
        }),
        counts("breaker-counts-data-loss", "DATA_LOSS is a failure", |it| {
            fails(it) || it == Code::DataLoss
        }),
        counts(
            "breaker-counts-exhaustion",
            "RESOURCE_EXHAUSTED is a failure",
            |it| fails(it) || it == Code::ResourceExhausted,
        ),
        counts(
            "breaker-counts-unimplemented",
            "UNIMPLEMENTED is a failure",
            |it| fails(it) || it == Code::Unimplemented,
        ),
        counts("breaker-counts-cancelled", "CANCELLED is a failure", |it| {
            fails(it) || it == Code::Cancelled
        }),
        counts("breaker-counts-aborted", "ABORTED is a failure", |it| {
            fails(it) || it == Code::Aborted
        }),
        environment(
            "breaker-opens-late",
            "RES-3",
            "it opens at the failure after BREAKER_MAX_FAILURES",
            |it| change_failures(it, 1),
        ),
        environment(
            "breaker-opens-early",
            "RES-3",
            "it opens at the failure before BREAKER_MAX_FAILURES",
            |it| change_failures(it, -1),
        ),
        rules(
            "breaker-never-forgets",
            "RES-3",
            "a success leaves the count",
            |it| {
                it.breaker.success_resets = false;
            },
        ),
        rules(
            "breaker-counts-abandoned-calls",
            "RES-3",
            "an abandoned call is a failure",
            |it| {
                it.breaker.abandoned = Outcome::Failure;
            },
        ),
        rules(
            "breaker-trusts-abandoned-calls",
            "RES-3",
            "an abandoned call is a success",
            |it| {
                it.breaker.abandoned = Outcome::Success;
            },
        ),
        rules(
            "breaker-heeds-late-answers",
            "RES-3",
            "answers to calls sent before it opened count",
            |it| {
                it.breaker.stale_answers_count = true;
            },
        ),
        replaced(
            "breaker-counts-requests",
            "RES-3",
            "the tries of a request count as one",
            |it| {
                it.rules.retry.attempts = |_| 1;
                twist(it, Inside);
            },
        ),
        replaced(
            "breaker-heeds-health",
            "RES-3",
            "no call is made while the user service is unhealthy",
            super::follows::calls_heed_health,
        ),
        environment(
            "breaker-closes-soon",
            "RES-3",
            "BREAKER_RESET_TIMEOUT is not kept: it is half a second",
            |it| set(it, "BREAKER_RESET_TIMEOUT", "500ms"),
        ),
        environment(
            "breaker-closes-by-default",
            "RES-3",
            "the default of BREAKER_RESET_TIMEOUT is 10 s",
            |it| {
                if it.get("BREAKER_RESET_TIMEOUT").is_none_or(String::is_empty) {
                    set(it, "BREAKER_RESET_TIMEOUT", "10s");
                }
            },
        ),
    ]
}

fn change_failures(variables: &mut Variables, by: i32) {
    let given = variables
        .get("BREAKER_MAX_FAILURES")
        .and_then(|it| it.parse().ok());
    let changed = given.unwrap_or(5) + by;
    set(
        variables,
        "BREAKER_MAX_FAILURES",
        &changed.max(1).to_string(),
    );
}

/// Changes the answers of an open breaker.
fn open_answers(id: &'static str, wrong: &'static str, change: fn(&mut Response)) -> Entry {
    replaced(id, "RES-3", wrong, move |it| {
        on_answers(it, move |mut response| async move {
            if is_open(&response) {
                change(&mut response);
            }
            response
        });
    })
}

fn is_open(response: &Response) -> bool {
    response.headers().contains_key(header::RETRY_AFTER)
}

fn on_answers<A: Future<Output = Response> + Send + 'static>(
    parts: &mut Parts,
    change: impl Fn(Response) -> A + Copy + Send + Sync + 'static,
) {
    let before = std::mem::replace(&mut parts.wrap_http, Box::new(|router| router));
    parts.wrap_http = Box::new(move |router| {
        before(router).layer(from_fn(move |request, next: Next| async move {
            change(next.run(request).await).await
        }))
    });
}

fn answers() -> Vec<Entry> {
    vec![
        open_answers(
            "breaker-without-retry-after",
            "an open breaker says not when to come back",
            |it| {
                it.headers_mut().remove(header::RETRY_AFTER);
            },
        ),
        open_answers(
            "breaker-retry-after-a-date",
            "Retry-After is a date",
            |it| {
                let date = HeaderValue::from_static("Wed, 21 Oct 2026 07:28:00 GMT");
                it.headers_mut().insert(header::RETRY_AFTER, date);
            },
        ),
        open_answers(
            "breaker-retry-after-fractions",
            "Retry-After has fractions",
            |it| {
                let seconds = HeaderValue::from_static("0.9");
                it.headers_mut().insert(header::RETRY_AFTER, seconds);
            },
        ),
        open_answers(
            "breaker-other-words",
            "an open breaker says `service unavailable`",
            |it| {
                it.headers_mut().remove(header::CONTENT_LENGTH);
                *it.body_mut() = Body::from("{\"error\":\"service unavailable\"}");
            },
        ),
        open_answers("breaker-is-429", "an open breaker is 429", |it| {
            *it.status_mut() = StatusCode::TOO_MANY_REQUESTS;
        }),
        replaced(
            "breaker-refuses-late",
            "RES-3",
            "an open breaker takes its time",
            |it| {
                on_answers(it, |response| async move {
                    if is_open(&response) {
                        pass(Duration::from_secs(3)).await;
                    }
                    response
                });
            },
        ),
    ]
}

fn trials() -> Vec<Entry> {
    vec![
        rules(
            "breaker-lets-all-trials-through",
            "RES-4",
            "when its time is up every waiting call goes through",
            |it| {
                it.breaker.trial_calls = u32::MAX;
            },
        ),
        replaced(
            "breaker-tries-trials-again",
            "RES-4",
            "a trial is tried again",
            |it| {
                it.rules.retry.attempts = |_| 1;
                twist(it, Inside);
            },
        ),
        rules(
            "breaker-loses-abandoned-trials",
            "RES-4",
            "after an abandoned trial no call goes through",
            |it| {
                it.breaker.abandoned_trial_is_freed = false;
            },
        ),
        rules(
            "breaker-abandoned-trial-closes",
            "RES-4",
            "an abandoned trial closes it",
            |it| {
                it.breaker.abandoned = Outcome::Success;
            },
        ),
        rules(
            "breaker-abandoned-trial-opens",
            "RES-4",
            "an abandoned trial opens it again",
            |it| {
                it.breaker.abandoned = Outcome::Failure;
            },
        ),
        rules(
            "breaker-trial-of-every-error",
            "RES-4",
            "a trial that ends with any error fails",
            |it| {
                it.breaker.is_failure = |code| code != Code::Ok;
            },
        ),
        rules(
            "breaker-trial-of-unavailable",
            "RES-4",
            "only UNAVAILABLE is a failed trial",
            |it| {
                it.breaker.is_failure = |code| code == Code::Unavailable;
            },
        ),
        environment(
            "breaker-half-a-period",
            "RES-4",
            "its period is half of what it is told",
            |it| {
                set(it, "BREAKER_RESET_TIMEOUT", "500ms");
            },
        ),
        environment(
            "breaker-for-good",
            "RES-4",
            "it never lets a trial through",
            |it| {
                set(it, "BREAKER_RESET_TIMEOUT", "1h");
            },
        ),
    ]
}

/// Tries again by itself, out of the breaker's sight.
struct Inside;

#[async_trait]
impl Around for Inside {
    async fn make<T: Send>(&self, call: &Call, send: Try<'_, T>) -> Result<T, Status> {
        let mut tries = 0;
        loop {
            let answer = send(call.clone()).await;
            tries += 1;
            match answer {
                Err(status) if status.code() == Code::Unavailable && tries < 3 => {}
                answer => return answer,
            }
        }
    }
}
