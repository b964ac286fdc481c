//! A stream whose client goes away (STR-6), or that runs while others are counted (MET-5).

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use conformance_engine::failure::{Failure, StepResult, ensure};
use conformance_engine::network::link::Link;
use conformance_engine::observe::{elapse, eventually};
use cucumber::{given, then, when};
use prost::Message as _;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use user_proto::v1::ListUsersRequest;

use super::page_of;
use crate::checks::finished_request::RequestEnd;
use crate::checks::metrics::counts::{growth, request_families};
use crate::drivers::wire::{Wire, framed};
use crate::steps::grpc::calls::SERVICE;
use crate::world::World;
use crate::world::telemetry::ObservedStream;

/// How long the first message of a stream may take.
const FIRST_MESSAGE_LIMIT: Duration = Duration::from_secs(10);

#[given("a stream is open that has delivered a change, on a connection of its own")]
async fn is_open(world: &mut World) -> StepResult {
    let name = format!("Observed-{}", world.scenario.id);
    let (stream, first) = observe(world, &name).await?;
    world.telemetry.stream = Some(stream);
    deliver(world, &name, first).await
}

/// Opens a stream of the users of a name behind a link; the receiver resolves at its first message.
async fn observe(
    world: &mut World,
    name: &str,
) -> StepResult<(ObservedStream, oneshot::Receiver<()>)> {
    let id = world.new_request_id();
    let address = SocketAddr::from(([127, 0, 0, 1], world.own()?.slot(0)?.port("GRPC_PORT")?));
    let link = Link::open(&world.environment.home().ports, address).await;
    let link = link.map_err(Failure::broken)?;
    let mut wire = Wire::connect(link.address().port(), &world.scenario.journal).await?;
    wire.set_metadata("x-request-id", &id);
    let opened = Instant::now();
    let (call, first) = wire.stream(&format!("{SERVICE}/StreamUsers"), users_named(name));
    let stream = ObservedStream {
        wire: Some(wire),
        call: Some(tokio::spawn(call)),
        link,
        id,
        opened,
    };
    Ok((stream, first))
}

/// A request for the users of a name, as it goes on the wire.
fn users_named(name: &str) -> bytes::Bytes {
    let request = ListUsersRequest {
        filter: format!("name={name}"),
        ..Default::default()
    };
    framed(&request.encode_to_vec())
}

/// Creates users until the first message has come: the subscription may begin a little later than the call.
async fn deliver(world: &mut World, name: &str, first: oneshot::Receiver<()>) -> StepResult {
    let limit = world.scenario.patience.stretch(FIRST_MESSAGE_LIMIT);
    let client = world.client(0).await?;
    let mut request = world.newcomer();
    request.name = name.to_owned();
    let creating = eventually("a message of the stream", limit, async || {
        client.create_each(std::slice::from_ref(&request)).await?;
        Err::<(), _>("none".to_owned())
    });
    tokio::select! {
        arrived = first => arrived.map_err(|_| Failure::mismatch("an open stream", "its end")),
        failed = creating => failed,
    }
}

#[given("the stream is not counted yet")]
async fn is_not_counted(world: &mut World) -> StepResult {
    let counted = stream_growth(world).await?;
    ensure(
        counted == Ok(0),
        "no counted stream while it is open",
        format!("{counted:?}"),
    )
}

/// How many streams were counted since the metrics were read.
async fn stream_growth(world: &mut World) -> StepResult<Result<u64, String>> {
    let page = match world.metrics_of(0).await? {
        Ok(page) => page,
        Err(error) => return Ok(Err(error)),
    };
    let before = world.telemetry.before(0)?;
    let grown = growth(before, &page, request_families(false).0);
    let of_streams = |labels: &conformance_engine::observe::exposition::Labels| {
        labels
            .get("method")
            .is_some_and(|it| it.ends_with("/StreamUsers"))
    };
    let sum = |series: std::collections::BTreeMap<_, u64>| {
        let counts = series.iter().filter(|(labels, _)| of_streams(labels));
        counts.map(|(_, count)| count).sum()
    };
    Ok(grown.map(sum))
}

#[when(
    regex = r"^(its client cancels the stream|the connection of the stream is closed|the connection of the stream is reset|its client stops responding to the server)$"
)]
async fn goes_away(world: &mut World, how: String) -> StepResult {
    lose_client(world.telemetry.stream()?, &how).await;
    world.scenario.journal.note(how);
    world.telemetry.finished.clear();
    let stream = world.telemetry.stream()?;
    let (id, opened) = (stream.id.clone(), stream.opened);
    world.call_finished(
        Some(id),
        "StreamUsers",
        RequestEnd::GivenUp,
        opened.elapsed(),
    );
    Ok(())
}

async fn lose_client(stream: &mut ObservedStream, how: &str) {
    match how {
        "its client cancels the stream" => drop(stream.call.take().inspect(JoinHandle::abort)),
        "the connection of the stream is closed" => drop(stream.wire.take()),
        "the connection of the stream is reset" => stream.link.reset().await,
        _ => stream.link.hang().await,
    }
}

#[given(regex = r"^the stream was open for (\d+ ms)$")]
async fn was_open(world: &mut World, time: crate::params::Span) -> StepResult {
    elapse(time.0).await;
    world.telemetry.stream().map(|_| ())
}

#[then(regex = r"^within (\d+ s) the stream is counted as ended, once$")]
async fn is_counted(world: &mut World, limit: crate::params::Span) -> StepResult {
    let limit = world.scenario.patience.stretch(limit.0);
    let family = request_families(false).0;
    let before = world.telemetry.before(0)?.clone();
    let finished = world.telemetry.finished.clone();
    let slot = world.deployment().await?.slot(0)?;
    eventually("a counted stream", limit, async || {
        let mut grown = growth(&before, &page_of(slot).await?, family)?;
        grown.retain(|labels, _| labels["method"].ends_with("/StreamUsers"));
        crate::checks::metrics::counts::each_once(grown, &finished)
    })
    .await
}

#[then(regex = r"^within (\d+ s) the stream is logged as ended, once$")]
async fn is_logged(world: &mut World, limit: crate::params::Span) -> StepResult {
    // The server may see the end of a silent client much later than that client fell silent.
    world.telemetry.finished[0].took += limit.0;
    super::log_lines::each_has_its_line(world, limit.0).await
}
