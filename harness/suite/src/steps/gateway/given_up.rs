//! Many requests that are given up: by their clients, or by the gateway's own time-out.

use std::time::Duration;

use conformance_engine::failure::{Failure, StepResult, ensure};
use cucumber::given;
use futures::future::try_join_all;

use super::exchange;
use crate::checks::http_answer::HttpAnswer;
use crate::drivers::gateway::Gateway;
use crate::drivers::probes;
use crate::world::World;
use crate::world::gateway::SentRequest;

/// How many requests are in flight at once.
const CONCURRENT: usize = 30;

/// When a client leaves: long after its request was sent, long before `REQUEST_TIMEOUT`.
const CLIENT_LEAVES: Duration = Duration::from_millis(100);

/// More than the gateway takes for a request that times out.
const CLIENT_STAYS: Duration = Duration::from_mins(1);

#[given(regex = r"^(\d+) requests were (abandoned by their clients|timed out by the gateway)$")]
async fn were_given_up(world: &mut World, count: usize, how: String) -> StepResult {
    if how == "abandoned by their clients" {
        return send_in_rounds(world, count, CLIENT_LEAVES).await.map(drop);
    }
    let answers = send_in_rounds(world, count, CLIENT_STAYS).await?;
    ensure(
        answers.iter().any(|answer| answer.status == 504),
        "504 for requests to a user service that hangs (RES-1)",
        format!("none among {} answers", answers.len()),
    )
}

/// Sends requests, some at a time; returns the answers that came before their clients left.
async fn send_in_rounds(
    world: &mut World,
    count: usize,
    limit: Duration,
) -> StepResult<Vec<HttpAnswer>> {
    let live = world.own()?.slot(0)?.http_url("/live");
    let mut answers = Vec::new();
    for _ in 0..count.div_ceil(CONCURRENT) {
        answers.extend(send_concurrently(world.gateway().await?, limit).await?);
        // A gateway with few threads first finishes what it has begun.
        probes::get_logged(&live, &world.scenario.journal)
            .await
            .map_err(|error| Failure::mismatch("an answer to GET /live", error))?;
    }
    let note = format!("{count} requests were sent, {} answered", answers.len());
    world.scenario.journal.note(note);
    Ok(answers)
}

/// Sends requests whose clients leave after `limit`; returns the answers that came before.
async fn send_concurrently(client: Gateway, limit: Duration) -> StepResult<Vec<HttpAnswer>> {
    let request = SentRequest::parse("DELETE /api/v1/users/x")?;
    let requests = (0..CONCURRENT).map(|_| {
        let (client, request) = (client.clone(), request.clone());
        tokio::spawn(tokio::time::timeout(limit, async move {
            exchange(&client, request)
                .await?
                .answer
                .map_err(Failure::broken)
        }))
    });
    let ended = try_join_all(requests.collect::<Vec<_>>())
        .await
        .map_err(Failure::broken)?;
    Ok(ended.into_iter().flatten().flatten().collect())
}
