//! Mutants of the gateway, by area.

mod bodies;
mod breaker;
mod connections;
mod errors;
mod health_coupling;
mod limits;
mod openapi;
mod parameters;
mod path_ids;
mod process;
mod request_ids;
mod resilience;
mod routes;
mod updates;
mod upstream;
mod user_json;
mod users;

use axum::body::Bytes;
use axum::http::request::Parts as Head;
use axum::response::Response;
use gateway::dependencies::Dependencies;
use gateway::settings::Settings;

use crate::gateway_calls::{self, CallFault};
use crate::http::{self, BufferedResponse};
use crate::mutant::{Fault, Mutant, Variables};

/// Mutants of the user service that could run as a gateway too, but break no clause of the gateway.
const WITHOUT_GATEWAY_TWIN: &[&str] = &[
    "answer-all-unhealthy",
    "checks-cancelled",
    "checks-one-by-one",
    "config-level-debug",
    "config-nothing-optional",
    "config-other-pool",
    "config-other-resources",
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

/// All mutants of the gateway: the twins of the user service's mutants, and its own.
pub fn mutants(user_service_mutants: &[Mutant]) -> Vec<Mutant> {
    let has_twin = |it: &&Mutant| !WITHOUT_GATEWAY_TWIN.contains(&it.id.as_ref());
    let twins = user_service_mutants
        .iter()
        .filter(has_twin)
        .filter_map(Mutant::gateway_twin);
    let mut all: Vec<Mutant> = twins.collect();
    for mutants_of_area in [
        process::mutants,
        users::mutants,
        routes::mutants,
        user_json::mutants,
        parameters::mutants,
        updates::mutants,
        errors::mutants,
        upstream::mutants,
        bodies::mutants,
        limits::mutants,
        request_ids::mutants,
        path_ids::mutants,
        openapi::mutants,
        resilience::mutants,
        breaker::mutants,
        connections::mutants,
        health_coupling::mutants,
    ] {
        all.extend(mutants_of_area());
    }
    all
}

/// A mutant that changes the environment variables before they are read.
fn environment_mutant(
    id: &'static str,
    clause: &'static str,
    wrong: &'static str,
    fault: fn(&mut Variables),
) -> Mutant {
    Mutant::for_gateway(id, clause, wrong, Fault::Environment(fault))
}

/// A mutant with changed dependencies.
fn gateway_mutant(
    id: &'static str,
    clause: &'static str,
    wrong: &'static str,
    change: impl FnOnce(&mut Dependencies) + 'static,
) -> Mutant {
    let assemble = |settings: &Settings| {
        let mut dependencies = Dependencies::new(settings);
        change(&mut dependencies);
        dependencies
    };
    Mutant::for_gateway(id, clause, wrong, Fault::Gateway(Box::new(assemble)))
}

/// A mutant that changes responses.
fn response_mutant(
    id: &'static str,
    clause: &'static str,
    wrong: &'static str,
    change: fn(&mut BufferedResponse),
) -> Mutant {
    gateway_mutant(id, clause, wrong, move |dependencies| {
        http::change_responses(&mut dependencies.wrap_http, change);
    })
}

/// A mutant that changes the heads of requests.
fn request_head_mutant(
    id: &'static str,
    clause: &'static str,
    wrong: &'static str,
    change: fn(&mut Head),
) -> Mutant {
    gateway_mutant(id, clause, wrong, move |dependencies| {
        http::change_request_heads(&mut dependencies.wrap_http, change);
    })
}

/// A mutant that changes the bodies of requests to the API.
fn request_body_mutant(
    id: &'static str,
    clause: &'static str,
    wrong: &'static str,
    change: fn(&Head, &mut Vec<u8>),
) -> Mutant {
    gateway_mutant(id, clause, wrong, move |dependencies| {
        http::change_request_bodies(&mut dependencies.wrap_http, change);
    })
}

/// A mutant that answers a request itself when `respond` returns a response.
fn early_response_mutant(
    id: &'static str,
    clause: &'static str,
    wrong: &'static str,
    respond: fn(&Head, &Bytes) -> Option<Response>,
) -> Mutant {
    gateway_mutant(id, clause, wrong, move |dependencies| {
        http::respond_early(&mut dependencies.wrap_http, respond);
    })
}

/// A mutant that changes calls of the user service, or their responses.
fn call_mutant(
    id: &'static str,
    clause: &'static str,
    wrong: &'static str,
    fault: CallFault,
) -> Mutant {
    gateway_mutant(id, clause, wrong, move |dependencies| {
        gateway_calls::inject_call_fault(dependencies, fault);
    })
}
