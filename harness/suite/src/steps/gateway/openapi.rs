//! The OpenAPI description of the gateway (GWY-9).

use std::collections::{BTreeMap, BTreeSet};

use conformance_engine::failure::{Failure, StepResult, ensure};
use cucumber::gherkin::Step;
use cucumber::then;

use super::requests::{self, methods};
use crate::checks::all;
use crate::checks::openapi::ApiDescription;
use crate::steps::users::table;
use crate::world::World;
use crate::world::gateway::{Exchange, SentRequest};

/// Parses the description.
fn read(exchange: &Exchange) -> StepResult<ApiDescription> {
    let expected = "a valid OpenAPI 3.1 description";
    let answer = exchange.is(200);
    let answer = answer.map_err(|got| Failure::mismatch(expected, got))?;
    let document = serde_json::from_slice(&answer.body)
        .map_err(|error| Failure::mismatch(expected, format!("no JSON: {error}")))?;
    ApiDescription::read(document).map_err(|wrong| {
        let first = wrong.first().cloned().unwrap_or_default();
        let failure = Failure::mismatch(expected, first);
        wrong.iter().skip(1).take(20).fold(failure, Failure::detail)
    })
}

impl World {
    /// The description that the gateway serves.
    async fn description(&mut self) -> StepResult<ApiDescription> {
        if let Some(description) = &self.gateway.description {
            return Ok(description.clone());
        }
        let exchange = self
            .request(SentRequest::parse("GET /openapi.json")?)
            .await?;
        let description = read(&exchange)?;
        self.gateway.description = Some(description.clone());
        Ok(description)
    }
}

#[then("the answer is a valid OpenAPI 3.1 description")]
async fn is_valid(world: &mut World) -> StepResult {
    read(world.newest()?).map(|_| ())
}

#[then("the description lists each of these routes")]
async fn lists_these(world: &mut World, step: &Step) -> StepResult {
    let routes = read(world.newest()?)?.routes();
    let wanted = table(step, &["route", "methods"])?.iter();
    let wanted: BTreeMap<String, BTreeSet<String>> = wanted
        .map(|row| (row[0].replace("{id}", "{}"), methods(&row[1])))
        .collect();
    // Further routes are permitted.
    let lists = |(route, methods): (&String, &BTreeSet<String>)| {
        routes.get(route).is_some_and(|it| it.is_superset(methods))
    };
    ensure(
        wanted.iter().all(lists),
        format!("{wanted:?}"),
        format!("{routes:?}"),
    )
}

/// Why an answer does not conform; none for a request outside the routes of the contract.
fn deviation(description: &ApiDescription, exchange: &Exchange) -> Option<String> {
    let route = exchange.request.route()?;
    let checked = match exchange.answer() {
        Ok(answer) => description.conforms(&exchange.request.method, route, answer),
        Err(got) => Err(got),
    };
    checked
        .err()
        .map(|it| format!("{it} ({})", exchange.summary()))
}

#[then("each of these conforms to the description")]
async fn each_conforms(world: &mut World, step: &Step) -> StepResult {
    let description = world.description().await?;
    let mut wrong = Vec::new();
    let rows = requests::rows_with_status(world, step)?;
    let count = rows.len();
    for (request, status) in rows {
        let exchange = world.request(request).await?;
        let checked = exchange.is(status).err();
        wrong.extend(checked.or_else(|| deviation(&description, &exchange)));
    }
    all("an answer that conforms to the description", wrong, count)
}

#[then("every answer conforms to the description")]
async fn every_answer_conforms(world: &mut World) -> StepResult {
    let description = world.description().await?;
    let exchanges = &world.gateway.exchanges;
    let wrong = exchanges
        .iter()
        .filter_map(|it| deviation(&description, it));
    all(
        "an answer that conforms to the description",
        wrong.collect(),
        exchanges.len(),
    )
}
