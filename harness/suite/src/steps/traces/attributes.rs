//! Resources, names, attributes and statuses of spans (TRC-2, TRC-4, TRC-5).

use std::sync::Arc;

use conformance_engine::failure::{Failure, StepResult, ensure};
use conformance_engine::observe::spans::{Kind, Span, Status, Trace, Value};
use cucumber::gherkin::Step;
use cucumber::then;

use super::EXPORT_LIMIT;
use super::calls::ended;
use super::trees::{become_complete, sampled};
use crate::checks::span_attributes::Operation;
use crate::checks::trace_tree::{self, Hop};
use crate::checks::{all, span_attributes};
use crate::contract::components::UsersApi;
use crate::drivers::Code;
use crate::params::StatusCode;
use crate::steps::users::table;
use crate::world::World;
use crate::world::traces::TracedCall;

/// The word for any value in a table of attributes.
const ANY: &str = "(any)";

/// A call with its trace, and the spans of the program: SERVER and CLIENT.
struct Observed {
    call: TracedCall,
    trace: Trace,
    server: Arc<Span>,
    client: Arc<Span>,
}

impl Observed {
    /// The spans of this kind below the SERVER span.
    fn below_server(&self, kind: Kind) -> impl Iterator<Item = &Arc<Span>> {
        let spans = self.trace.spans();
        spans.filter(move |span| span.kind == kind && self.trace.is_below(span, &self.server))
    }
}

/// Each call with a sampled context, once its trace is complete.
async fn observe(world: &mut World) -> StepResult<Vec<Observed>> {
    let hops = world.hops().await?;
    become_complete(world, &hops, EXPORT_LIMIT).await?;
    let subscription = world.subscription()?;
    let mut observed = Vec::new();
    for (call, context) in sampled(world)? {
        let trace = subscription.trace(context.trace);
        let path = trace_tree::complete(&trace, Some(context.span), &hops);
        let path = path.map_err(Failure::broken)?;
        let [server, client, ..] = path.as_slice() else {
            return Err(Failure::broken("a trace without a path"));
        };
        observed.push(Observed {
            call: call.clone(),
            server: server.clone(),
            client: client.clone(),
            trace,
        });
    }
    Ok(observed)
}

#[then("the resource of each span has")]
async fn resource_has(world: &mut World, step: &Step) -> StepResult {
    let wanted = table(step, &["attribute", "value"])?;
    let name = wanted.iter().find(|row| row[0] == "service.name");
    let name = name.ok_or_else(|| Failure::broken("the table has no service.name"))?;
    let hops = Hop::of_program(&name[1]);
    let traces = become_complete(world, &hops, EXPORT_LIMIT).await?;
    let spans: Vec<&Arc<Span>> = traces.iter().flat_map(Trace::spans).collect();
    let wrong = spans
        .iter()
        .filter_map(|span| lacks(span, wanted))
        .collect();
    all("these attributes of the resource", wrong, spans.len())
}

/// What the resource of a span lacks of the rows `| attribute | value |`.
fn lacks(span: &Span, wanted: &[Vec<String>]) -> Option<String> {
    let row = wanted.iter().find(|row| !has(span, &row[0], &row[1]))?;
    let found = span.resource.get(&row[0]);
    Some(format!("{span}: {} is {found:?}", row[0]))
}

/// Whether the resource of a span has an attribute with this text, or with any that is not empty.
fn has(span: &Span, key: &str, wanted: &str) -> bool {
    let found = span.resource.get(key).and_then(Value::text);
    found.is_some_and(|text| {
        if wanted == ANY {
            !text.is_empty()
        } else {
            text == wanted
        }
    })
}

#[then("its server span has the name and the attributes of the call")]
async fn server_span_is_named(world: &mut World) -> StepResult {
    let api = world.component.users_api;
    let servers = observe_servers(world).await?;
    let wrong = servers
        .iter()
        .filter_map(|(call, span)| wrong_server(call, span, api));
    let wrong = wrong.collect();
    all("the server span of the call", wrong, servers.len())
}

/// What is wrong with the SERVER span of a call.
fn wrong_server(call: &TracedCall, server: &Span, api: Option<UsersApi>) -> Option<String> {
    let operation = Operation::of(call.method)?;
    let wrong = match (api, http_status(call, &operation)) {
        (Some(UsersApi::Http), Some(status)) => {
            span_attributes::http_server(server, &operation, status)
        }
        (Some(UsersApi::Http), None) => vec![format!("an unexpected answer: {}", ended(call))],
        _ => span_attributes::grpc_server(server, &operation),
    };
    described(server, &wrong)
}

/// The status of the answer over HTTP.
fn http_status(call: &TracedCall, operation: &Operation) -> Option<u16> {
    match call.code() {
        Code::Ok => Some(operation.success),
        Code::InvalidArgument => Some(400),
        Code::NotFound => Some(404),
        Code::AlreadyExists => Some(409),
        _ => None,
    }
}

fn described(span: &Span, wrong: &[String]) -> Option<String> {
    (!wrong.is_empty()).then(|| format!("{span} has {}", wrong.join(", ")))
}

#[then("its client span has the name and the attributes of the call")]
async fn client_span_is_named(world: &mut World) -> StepResult {
    let observed = observe(world).await?;
    let wrong = observed.iter().filter_map(wrong_client);
    let wrong = wrong.collect();
    all("the client span of the call", wrong, observed.len())
}

/// What is wrong with the CLIENT spans of a call, if none is that of the call to the user service. Other client spans
/// are free: of a connection, of a name that is resolved.
fn wrong_client(observed: &Observed) -> Option<String> {
    let operation = Operation::of(observed.call.method)?;
    let wrong = |span: &Span| span_attributes::grpc_client(span, &operation);
    let mut clients = observed.below_server(Kind::Client);
    if clients.any(|span| wrong(span).is_empty()) {
        return None;
    }
    described(&observed.client, &wrong(&observed.client))
}

#[then("a client span of each call is one of the database")]
async fn has_database_span(world: &mut World) -> StepResult {
    let observed = observe(world).await?;
    let wrong = observed.iter().filter(|observed| {
        let mut clients = observed.below_server(Kind::Client);
        !clients.any(|span| span_attributes::is_database_call(span))
    });
    let wrong = wrong.map(|it| format!("{} without one, but with {}", it.call.method, it.client));
    let expected = "a client span with db.system.name postgresql";
    all(expected, wrong.collect(), observed.len())
}

#[then(expr = "the call fails with {status}, and the status of its server span is Error")]
async fn is_an_error(world: &mut World, code: StatusCode) -> StepResult {
    server_status(world, code, true).await
}

#[then(expr = "the call ends with {status}, and the status of its server span is not Error")]
async fn is_no_error(world: &mut World, code: StatusCode) -> StepResult {
    server_status(world, code, false).await
}

async fn server_status(world: &mut World, code: StatusCode, error: bool) -> StepResult {
    let servers = observe_servers(world).await?;
    let wrong = servers
        .iter()
        .filter(|it| (it.1.status == Status::Error) != error);
    let wrong = wrong.map(|it| format!("{} for {}", it.1.status, ended(&it.0)));
    let expected = if error {
        "status Error"
    } else {
        "a status other than Error"
    };
    all(expected, wrong.collect(), servers.len())?;
    let other = servers.iter().find(|it| it.0.code() != code.0);
    ensure(
        other.is_none(),
        format!("{:?}", code.0),
        other.map(|it| ended(&it.0)).unwrap_or_default(),
    )
}

/// Each call with a sampled context and its SERVER span. A call that failed may have left no CLIENT span.
async fn observe_servers(world: &mut World) -> StepResult<Vec<(TracedCall, Arc<Span>)>> {
    let hops = &world.hops().await?[..1];
    become_complete(world, hops, EXPORT_LIMIT).await?;
    let subscription = world.subscription()?;
    let mut found = Vec::new();
    for (call, context) in sampled(world)? {
        let trace = subscription.trace(context.trace);
        let path = trace_tree::complete(&trace, Some(context.span), hops);
        let server = path.ok().and_then(|path| path.first().cloned());
        found.extend(server.map(|span| (call.clone(), span)));
    }
    Ok(found)
}
