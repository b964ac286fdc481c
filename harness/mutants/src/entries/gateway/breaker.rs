//! RES-3, RES-4: the breaker.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use gateway::dependencies::Dependencies;

use super::{environment, replaced};
use crate::entries::{pass, set};
use crate::entry::{Entry, Variables};

pub fn entries() -> Vec<Entry> {
    let mut all = counting();
    all.extend(answers());
    all.extend(trials());
    all
}

fn counting() -> Vec<Entry> {
    vec![
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
        replaced(
            "breaker-heeds-health",
            "RES-3",
            "no call is made while the user service is unhealthy",
            super::follows::calls_follow_health,
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
            |variables| {
                if variables
                    .get("BREAKER_RESET_TIMEOUT")
                    .is_none_or(String::is_empty)
                {
                    set(variables, "BREAKER_RESET_TIMEOUT", "10s");
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
    replaced(id, "RES-3", wrong, move |dependencies| {
        on_answers(dependencies, move |mut response| async move {
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
    dependencies: &mut Dependencies,
    change: impl Fn(Response) -> A + Copy + Send + Sync + 'static,
) {
    let before = std::mem::replace(&mut dependencies.wrap_http, Box::new(|router| router));
    dependencies.wrap_http = Box::new(move |router| {
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
            |response| {
                response.headers_mut().remove(header::RETRY_AFTER);
            },
        ),
        open_answers(
            "breaker-retry-after-a-date",
            "Retry-After is a date",
            |response| {
                let date = HeaderValue::from_static("Wed, 21 Oct 2026 07:28:00 GMT");
                response.headers_mut().insert(header::RETRY_AFTER, date);
            },
        ),
        open_answers(
            "breaker-retry-after-fractions",
            "Retry-After has fractions",
            |response| {
                let seconds = HeaderValue::from_static("0.9");
                response.headers_mut().insert(header::RETRY_AFTER, seconds);
            },
        ),
        open_answers(
            "breaker-other-words",
            "an open breaker says `service unavailable`",
            |response| {
                response.headers_mut().remove(header::CONTENT_LENGTH);
                *response.body_mut() = Body::from("{\"error\":\"service unavailable\"}");
            },
        ),
        open_answers("breaker-is-429", "an open breaker is 429", |response| {
            *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
        }),
        replaced(
            "breaker-refuses-late",
            "RES-3",
            "an open breaker takes its time",
            |dependencies| {
                on_answers(dependencies, |response| async move {
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
        environment(
            "breaker-half-a-period",
            "RES-4",
            "its period is half a second",
            |variables| {
                set(variables, "BREAKER_RESET_TIMEOUT", "500ms");
            },
        ),
        environment(
            "breaker-for-good",
            "RES-4",
            "it never lets a trial through",
            |variables| {
                set(variables, "BREAKER_RESET_TIMEOUT", "1h");
            },
        ),
    ]
}
