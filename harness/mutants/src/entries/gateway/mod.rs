//! Wrong gateways, by area.

mod answers;
mod bodies;
mod breaker;
mod changes;
mod connections;
mod errors;
mod follows;
mod life;
mod limits;
mod openapi;
mod parameters;
mod path_ids;
mod request_ids;
mod resilience;
mod routes;
mod upstream;
mod users;

use axum::body::Bytes;
use axum::http::request::Parts as Head;
use axum::response::Response;
use gateway::dependencies::Dependencies;
use gateway::settings::Settings;

use crate::calls::{self, CallFault};
use crate::entry::{Entry, How, Variables};
use crate::http::{self, Answer};

/// What is wrong with a user service only, though a gateway could be run in the same way.
const ALONE: &[&str] = &[
    "answer-all-unwell",
    "checks-cancelled",
    "checks-one-by-one",
    "config-level-debug",
    "config-nothing-optional",
    "config-other-pool",
    "connections-ignored",
    "database-words-lost",
    "degraded-hides-unhealthy",
    "grpc-health-serves-on",
    "migrate-alone",
    "migrate-later",
    "migrate-nothing",
    "migrate-remembers",
    "secret-in-answer",
    "secret-in-error",
    "start-needs-resources",
];

/// Every wrong gateway; `others` are those of the user service, most of which have a twin.
pub fn entries(others: &[Entry]) -> Vec<Entry> {
    let has_twin = |it: &&Entry| !ALONE.contains(&it.id.as_ref());
    let twins = others.iter().filter(has_twin).filter_map(Entry::twin);
    let mut all: Vec<Entry> = twins.collect();
    for of_area in [
        life::entries,
        users::entries,
        routes::entries,
        answers::entries,
        parameters::entries,
        changes::entries,
        errors::entries,
        upstream::entries,
        bodies::entries,
        limits::entries,
        request_ids::entries,
        path_ids::entries,
        openapi::entries,
        resilience::entries,
        breaker::entries,
        connections::entries,
        follows::entries,
    ] {
        all.extend(of_area());
    }
    all
}

/// An entry that changes the environment before anything reads it.
fn environment(
    id: &'static str,
    clause: &'static str,
    wrong: &'static str,
    fault: fn(&mut Variables),
) -> Entry {
    Entry::of_gateway(id, clause, wrong, How::Environment(fault))
}

/// An entry with some dependencies replaced.
fn replaced(
    id: &'static str,
    clause: &'static str,
    wrong: &'static str,
    replace: impl FnOnce(&mut Dependencies) + 'static,
) -> Entry {
    let assemble = |settings: &Settings| {
        let mut dependencies = Dependencies::new(settings);
        replace(&mut dependencies);
        dependencies
    };
    Entry::of_gateway(id, clause, wrong, How::Gateway(Box::new(assemble)))
}

/// An entry that changes its answers.
fn answers(
    id: &'static str,
    clause: &'static str,
    wrong: &'static str,
    change: fn(&mut Answer),
) -> Entry {
    replaced(id, clause, wrong, move |dependencies| {
        http::answers(&mut dependencies.wrap_http, change);
    })
}

/// An entry that reads something else in the head of a request.
fn heads(
    id: &'static str,
    clause: &'static str,
    wrong: &'static str,
    change: fn(&mut Head),
) -> Entry {
    replaced(id, clause, wrong, move |dependencies| {
        http::heads(&mut dependencies.wrap_http, change);
    })
}

/// An entry that reads something else in the body of a request.
fn reads(
    id: &'static str,
    clause: &'static str,
    wrong: &'static str,
    change: fn(&Head, &mut Vec<u8>),
) -> Entry {
    replaced(id, clause, wrong, move |dependencies| {
        http::bodies(&mut dependencies.wrap_http, change);
    })
}

/// An entry that answers some requests before anything looks at them.
fn instead(
    id: &'static str,
    clause: &'static str,
    wrong: &'static str,
    answer: fn(&Head, &Bytes) -> Option<Response>,
) -> Entry {
    replaced(id, clause, wrong, move |dependencies| {
        http::instead(&mut dependencies.wrap_http, answer);
    })
}

/// An entry that changes its calls, or what comes back of them.
fn calls(id: &'static str, clause: &'static str, wrong: &'static str, fault: CallFault) -> Entry {
    replaced(id, clause, wrong, move |it| calls::inject(it, fault))
}
