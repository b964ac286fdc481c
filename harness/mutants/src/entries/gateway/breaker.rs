//! RES-3, RES-4: the circuit breaker.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use gateway::dependencies::Dependencies;

use super::{environment_mutant, gateway_mutant};
use crate::entries::{delay, set_variable};
use crate::mutant::{Mutant, Variables};

pub fn mutants() -> Vec<Mutant> {
    let mut all = thresholds();
    all.extend(open_breaker());
    all.extend(open_periods());
    all
}

fn thresholds() -> Vec<Mutant> {
    vec![
        environment_mutant(
            "breaker-opens-late",
            "RES-3",
            "the breaker opens one failure later than BREAKER_MAX_FAILURES",
            |it| add_to_max_failures(it, 1),
        ),
        environment_mutant(
            "breaker-opens-early",
            "RES-3",
            "the breaker opens one failure earlier than BREAKER_MAX_FAILURES",
            |it| add_to_max_failures(it, -1),
        ),
        gateway_mutant(
            "breaker-counts-health",
            "RES-3",
            "no call is made while the user service is unhealthy",
            super::health_coupling::refuse_calls_while_unhealthy,
        ),
        environment_mutant(
            "breaker-closes-soon",
            "RES-3",
            "BREAKER_RESET_TIMEOUT is ignored: it is always 500 ms",
            |it| set_variable(it, "BREAKER_RESET_TIMEOUT", "500ms"),
        ),
        environment_mutant(
            "breaker-closes-by-default",
            "RES-3",
            "the default of BREAKER_RESET_TIMEOUT is 10 s",
            |variables| {
                if variables
                    .get("BREAKER_RESET_TIMEOUT")
                    .is_none_or(String::is_empty)
                {
                    set_variable(variables, "BREAKER_RESET_TIMEOUT", "10s");
                }
            },
        ),
    ]
}

/// Adds to the number of failures after which the breaker opens.
fn add_to_max_failures(variables: &mut Variables, by: i32) {
    let configured = variables
        .get("BREAKER_MAX_FAILURES")
        .and_then(|it| it.parse().ok());
    let changed = configured.unwrap_or(5) + by;
    set_variable(
        variables,
        "BREAKER_MAX_FAILURES",
        &changed.max(1).to_string(),
    );
}

/// A mutant that changes the responses of an open breaker.
fn open_breaker_mutant(id: &'static str, wrong: &'static str, change: fn(&mut Response)) -> Mutant {
    gateway_mutant(id, "RES-3", wrong, move |dependencies| {
        change_responses(dependencies, move |mut response| async move {
            if is_from_open_breaker(&response) {
                change(&mut response);
            }
            response
        });
    })
}

/// Whether a response comes from an open breaker.
fn is_from_open_breaker(response: &Response) -> bool {
    response.headers().contains_key(header::RETRY_AFTER)
}

/// Passes every response to `change`, which may wait.
fn change_responses<A: Future<Output = Response> + Send + 'static>(
    dependencies: &mut Dependencies,
    change: impl Fn(Response) -> A + Copy + Send + Sync + 'static,
) {
    let inner = std::mem::replace(&mut dependencies.wrap_http, Box::new(|router| router));
    dependencies.wrap_http = Box::new(move |router| {
        inner(router).layer(from_fn(move |request, next: Next| async move {
            change(next.run(request).await).await
        }))
    });
}

fn open_breaker() -> Vec<Mutant> {
    vec![
        open_breaker_mutant(
            "breaker-without-retry-after",
            "the response of an open breaker has no Retry-After",
            |response| {
                response.headers_mut().remove(header::RETRY_AFTER);
            },
        ),
        open_breaker_mutant(
            "breaker-retry-after-a-date",
            "Retry-After is a date",
            |response| {
                let date = HeaderValue::from_static("Wed, 21 Oct 2026 07:28:00 GMT");
                response.headers_mut().insert(header::RETRY_AFTER, date);
            },
        ),
        open_breaker_mutant(
            "breaker-retry-after-fractions",
            "Retry-After is a fraction of a second",
            |response| {
                let seconds = HeaderValue::from_static("0.9");
                response.headers_mut().insert(header::RETRY_AFTER, seconds);
            },
        ),
        open_breaker_mutant(
            "breaker-other-words",
            "the error of an open breaker is `service unavailable`",
            |response| {
                response.headers_mut().remove(header::CONTENT_LENGTH);
                *response.body_mut() = Body::from("{\"error\":\"service unavailable\"}");
            },
        ),
        open_breaker_mutant(
            "breaker-is-429",
            "an open breaker responds with 429",
            |response| {
                *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
            },
        ),
        gateway_mutant(
            "breaker-refuses-late",
            "RES-3",
            "an open breaker refuses a request after 3 s",
            |dependencies| {
                change_responses(dependencies, |response| async move {
                    if is_from_open_breaker(&response) {
                        delay(Duration::from_secs(3)).await;
                    }
                    response
                });
            },
        ),
    ]
}

fn open_periods() -> Vec<Mutant> {
    vec![
        environment_mutant(
            "breaker-half-a-period",
            "RES-4",
            "the breaker stays open for 500 ms",
            |variables| {
                set_variable(variables, "BREAKER_RESET_TIMEOUT", "500ms");
            },
        ),
        environment_mutant(
            "breaker-open-forever",
            "RES-4",
            "the breaker stays open for an hour",
            |variables| {
                set_variable(variables, "BREAKER_RESET_TIMEOUT", "1h");
            },
        ),
    ]
}
