//! The health service of gRPC (GRP-1).

use std::time::{Duration, Instant};

use conformance_engine::failure::{Failure, StepResult, ensure};
use conformance_engine::observe::{eventually, holds_for};
use cucumber::{given, then, when};

use super::super::process::stopping::REFUSAL;
use super::RECOVERY;
use crate::drivers::Code;
use crate::drivers::health_service::{HealthService, Report};
use crate::params::{Span, State};
use crate::world::World;

/// The required service names.
const NAMES: [&str; 2] = ["", "user.v1.UserService"];

/// GRP-1 with the suite's test settings: `HEALTH_CACHE_TTL` + 5 s.
const REPORT: Duration = Duration::from_millis(5500);

async fn client(world: &mut World) -> StepResult<HealthService> {
    let journal = world.scenario.journal.clone();
    let url = world.deployment().await?.slot(0)?.grpc_url()?;
    HealthService::connect(&url, &journal)
}

#[when(regex = r#"^Check of "(.*)" is called$"#)]
async fn check_is_called(world: &mut World, name: String) -> StepResult {
    let answer = client(world).await?.check(&name).await;
    world.health.check = Some(answer);
    Ok(())
}

#[then("Check answers SERVING")]
async fn check_answers_serving(world: &mut World) -> StepResult {
    let seen = &world.health.check;
    ensure(
        matches!(seen, Some(Ok("SERVING"))),
        "SERVING",
        format!("{seen:?}"),
    )
}

#[then("Check fails with NOT_FOUND")]
async fn check_fails(world: &mut World) -> StepResult {
    let seen = &world.health.check;
    let right = matches!(seen, Some(Err(status)) if status.code() == Code::NotFound);
    ensure(right, "NOT_FOUND", format!("{seen:?}"))
}

/// Checks every name once.
async fn all_answer(client: &HealthService, wanted: &str) -> Result<(), String> {
    for name in NAMES {
        match client.check(name).await {
            Ok(status) if status == wanted => {}
            other => return Err(format!("Check of {name:?}: {other:?}")),
        }
    }
    Ok(())
}

#[then(regex = r"^Check of every name answers (SERVING|NOT_SERVING) within (\d+ ms)$")]
async fn every_check_answers(world: &mut World, wanted: String, limit: Span) -> StepResult {
    let limit = world.scenario.patience.stretch(limit.0);
    let client = client(world).await?;
    eventually(format!("Check answers {wanted}"), limit, async || {
        all_answer(&client, &wanted).await
    })
    .await
}

#[then(regex = r"^Check of every name stays SERVING for (\d+ s)$")]
async fn every_check_stays(world: &mut World, window: Span) -> StepResult {
    let client = client(world).await?;
    holds_for("Check answers SERVING", window.0, async || {
        all_answer(&client, "SERVING").await
    })
    .await
}

#[then("Check of every name never answers SERVING again")]
async fn never_serving_again(world: &mut World) -> StepResult {
    let client = client(world).await?;
    let allowed = world.scenario.patience.stretch(REFUSAL);
    let slot = world.own()?.slot(0)?;
    let begun = Instant::now();
    let mut looks = 0;
    holds_for(
        "no Check answers SERVING",
        allowed + Duration::from_secs(2),
        async || {
            for name in NAMES {
                let answer = client.check(name).await;
                let late = begun.elapsed() > allowed && slot.runs_on().is_ok();
                looks += usize::from(late);
                if matches!(answer, Ok("SERVING")) && late {
                    return Err(format!("Check of {name:?} answers SERVING"));
                }
            }
            Ok(())
        },
    )
    .await?;
    ensure(
        looks > 0,
        "a program that runs on until its request is done",
        "none to look at",
    )
}

async fn open(world: &mut World, names: &[&str]) -> StepResult {
    let client = client(world).await?;
    for name in names {
        world
            .health
            .watches
            .push(((*name).to_owned(), client.watch(name)));
    }
    Ok(())
}

#[when(regex = r#"^a Watch of "(.*)" is opened$"#)]
async fn a_watch_is_opened(world: &mut World, name: String) -> StepResult {
    open(world, &[&name]).await
}

#[given(regex = r#"^a Watch of "(.*)" is open$"#)]
async fn a_watch_is_open(world: &mut World, name: String) -> StepResult {
    open(world, &[&name]).await?;
    sees(world, "SERVING", REPORT).await
}

/// What it reports is free; once there is something, its call runs.
#[given("a Watch of an unknown name is open")]
async fn an_unknown_watch_is_open(world: &mut World) -> StepResult {
    let known = client(world).await?;
    all_answer(&known, "SERVING")
        .await
        .map_err(|got| Failure::mismatch("SERVING", got))?;
    open(world, &["unknown.Service"]).await?;
    let limit = world.scenario.patience.stretch(REPORT);
    let watches = &world.health.watches;
    eventually("a report of the Watch", limit, async || {
        let silent = watches.iter().any(|(_, it)| it.reports().is_empty());
        if silent { Err("none") } else { Ok(()) }
    })
    .await
}

#[given(regex = r"^a Watch of every name has seen (SERVING|NOT_SERVING)$")]
async fn watches_have_seen(world: &mut World, status: String) -> StepResult {
    open(world, &NAMES).await?;
    sees(world, &status, REPORT).await
}

async fn sees(world: &mut World, status: &str, limit: Duration) -> StepResult {
    let limit = world.scenario.patience.stretch(limit);
    let watches = &world.health.watches;
    eventually(format!("every Watch sees {status}"), limit, async || {
        for (name, watch) in watches {
            match watch.reports().last() {
                Some((_, Report::Is(seen))) if *seen == status => {}
                other => return Err(format!("Watch of {name:?}: {other:?}")),
            }
        }
        Ok(())
    })
    .await
}

#[then(regex = r"^every Watch sees (SERVING|NOT_SERVING) within (\d+ ms)$")]
async fn every_watch_sees(world: &mut World, status: String, limit: Span) -> StepResult {
    sees(world, &status, limit.0).await
}

#[then(regex = r"^every Watch sees (SERVING) within (\d+ ms) of the program being ready$")]
async fn every_watch_sees_when_ready(world: &mut World, status: String, limit: Span) -> StepResult {
    super::becomes(world, State::Ready, RECOVERY).await?;
    sees(world, &status, limit.0).await
}

#[then("every Watch ends after NOT_SERVING")]
async fn every_watch_ends(world: &mut World) -> StepResult {
    // SHUTDOWN_TIMEOUT + 1 s, with the suite's test settings.
    let limit = world.scenario.patience.stretch(Duration::from_secs(6));
    let watches = &world.health.watches;
    if watches.is_empty() {
        return Err(Failure::broken("the scenario has opened no Watch"));
    }
    eventually("every Watch has ended", limit, async || {
        let open = watches
            .iter()
            .find(|(_, it)| !matches!(it.reports().last(), Some((_, Report::Ended(_)))));
        open.map_or(Ok(()), |(name, it)| {
            Err(format!("Watch of {name:?}: {:?}", it.reports()))
        })
    })
    .await?;
    for (name, watch) in watches {
        let reports = watch.reports();
        let last = reports.iter().rev().find_map(|(_, it)| match it {
            Report::Is(status) => Some(*status),
            Report::Ended(_) => None,
        });
        let seen: Vec<_> = reports.iter().map(|it| &it.1).collect();
        ensure(
            last == Some("NOT_SERVING"),
            format!("NOT_SERVING before the end of the Watch of {name:?}"),
            format!("{seen:?}"),
        )?;
    }
    Ok(())
}
