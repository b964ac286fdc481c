//! What a gateway passes on to the user service (TRC-3).

use std::collections::BTreeSet;

use conformance_engine::failure::{Failure, StepResult};
use conformance_engine::observe::eventually;
use conformance_engine::observe::spans::{Kind, Trace, TraceContext};
use cucumber::then;
use percent_encoding::percent_decode_str;

use super::EXPORT_LIMIT;
use super::trees::{become_complete, sampled};
use crate::checks::all;
use crate::doubles::user_service::records::ReceivedCall;
use crate::world::World;

/// The context that a call came with.
pub(super) fn context(call: &ReceivedCall) -> Result<TraceContext, String> {
    let header = call.header("traceparent");
    let header = header.ok_or_else(|| format!("{} without traceparent", call.method()))?;
    header.parse()
}

#[then("each call to the user service continues the trace from a client span of the gateway")]
async fn continues_the_trace(world: &mut World) -> StepResult {
    let hops = world.hops().await?;
    become_complete(world, &hops, EXPORT_LIMIT).await?;
    let (_, sent) = sampled(world)?[0];
    let calls = world.deployment().await?.double()?.calls();
    let limit = world.scenario.patience.stretch(EXPORT_LIMIT);
    let subscription = world.subscription()?;
    eventually("calls below client spans", limit, async || {
        let trace = subscription.trace(sent.trace);
        let wrong = calls
            .iter()
            .filter_map(|call| continues(&trace, call).err());
        all("a call below a client span", wrong.collect(), calls.len())
    })
    .await
}

/// Whether the call is from a CLIENT span of the trace, or from one below such a span.
fn continues(trace: &Trace, call: &ReceivedCall) -> Result<(), String> {
    let context = context(call)?;
    let wrong = |why: &str| Err(format!("{} with {context}: {why}", call.method()));
    let Some(span) = trace.span(context.span) else {
        return wrong("no span of the trace has this id");
    };
    let mut line = std::iter::once(span).chain(trace.ancestors(span));
    if span.trace != context.trace {
        wrong("of another trace")
    } else if !context.sampled {
        wrong("not sampled")
    } else if line.any(|it| it.kind == Kind::Client) {
        Ok(())
    } else {
        wrong("not from a client span")
    }
}

#[then(regex = r"^(\d+) calls to the user service carry every member of these headers$")]
async fn carries_every_member(world: &mut World, count: usize) -> StepResult {
    let sent = world.traces.headers.clone();
    let calls = world.deployment().await?.double()?.calls();
    if calls.len() != count {
        let got = format!("{} calls", calls.len());
        return Err(Failure::mismatch(format!("{count} calls"), got));
    }
    let wrong = calls.iter().flat_map(|call| {
        let sent = sent.iter();
        sent.filter_map(|(name, value)| lacks(call, name, value))
    });
    let checked = calls.len() * sent.len();
    all("every member that was sent", wrong.collect(), checked)
}

/// The members of a header that a call lacks. They may have another order, and others may have joined them.
fn lacks(call: &ReceivedCall, name: &str, sent: &str) -> Option<String> {
    let headers = call.metadata.get_all(name).iter();
    let received: BTreeSet<String> = headers
        .filter_map(|it| it.to_str().ok())
        .flat_map(members)
        .collect();
    let missing: Vec<String> = members(sent)
        .into_iter()
        .filter(|it| !received.contains(it))
        .collect();
    (!missing.is_empty()).then(|| format!("{name} lacks {missing:?}; it has {received:?}"))
}

/// The members of a list, percent-decoded: how a value is encoded is free.
fn members(list: &str) -> Vec<String> {
    let members = list.split(',').map(str::trim);
    members
        .map(|member| percent_decode_str(member).decode_utf8_lossy().into_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use bytes::Bytes;
    use http::HeaderMap;
    use http::uri::PathAndQuery;

    use super::*;
    use crate::doubles::user_service::records::Ending;

    #[track_caller]
    fn check(received: &[&str], sent: &str, complete: bool) {
        let mut metadata = HeaderMap::new();
        for value in received {
            metadata.append("baggage", value.parse().expect("a value"));
        }
        let call = ReceivedCall {
            path: PathAndQuery::from_static("/user.v1.UserService/GetUser"),
            metadata: std::sync::Arc::new(metadata),
            body: Bytes::new(),
            received: Instant::now(),
            connection: 0,
            stream: 1,
            ending: Ending::Open,
        };
        let lacks = lacks(&call, "baggage", sent);
        assert_eq!(lacks.is_none(), complete, "{lacks:?}");
    }

    #[test]
    fn members_may_change_their_order_and_encoding_and_others_may_join_them() {
        check(&["b=2, a=caf%c3%a9", "own=x"], "a=caf%C3%A9,b=2", true);
        check(&["a=1"], "a=1,b=2", false);
        check(&["a=2,b=2"], "a=1,b=2", false);
        check(&[], "a=1", false);
    }
}
