//! Many requests that are given up: by their clients, or by the gateway's own time-out.

use std::time::Duration;

use conformance_engine::failure::{Failure, StepResult};
use cucumber::given;
use futures::future::try_join_all;

use super::exchange;
use crate::drivers::probes;
use crate::world::World;
use crate::world::gateway::SentRequest;

/// How many requests are in flight at once.
const CONCURRENT: usize = 30;

/// When a client leaves: long after its request was sent, long before REQUEST_TIMEOUT.
const CLIENT_LEAVES: Duration = Duration::from_millis(100);

/// More than the gateway takes for a request that times out.
const CLIENT_STAYS: Duration = Duration::from_secs(60);

#[given(regex = r"^(\d+) requests were (abandoned by their clients|timed out by the gateway)$")]
async fn were_given_up(world: &mut World, count: usize, how: String) -> StepResult {
    let limit = match how.as_str() {
        "abandoned by their clients" => CLIENT_LEAVES,
        _ => CLIENT_STAYS,
    };
    let live = world.own()?.slot(0)?.http_url("/live");
    for _ in 0..count.div_ceil(CONCURRENT) {
        let client = world.gateway().await?;
        let request = SentRequest::parse("DELETE /api/v1/users/x")?;
        let requests = (0..CONCURRENT).map(|_| {
            let (client, request) = (client.clone(), request.clone());
            tokio::spawn(async move {
                // Neither its answer nor its absence is judged here.
                let _ = tokio::time::timeout(limit, exchange(&client, request)).await;
            })
        });
        try_join_all(requests.collect::<Vec<_>>())
            .await
            .map_err(Failure::broken)?;
        // A gateway with few threads first finishes what it has begun.
        probes::get_logged(&live, &world.scenario.journal)
            .await
            .map_err(|error| Failure::mismatch("an answer to GET /live", error))?;
    }
    let note = format!("{count} requests were {how}");
    world.scenario.journal.note(note);
    Ok(())
}
