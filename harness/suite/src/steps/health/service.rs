//! The health service of gRPC (GRP-1).

use std::time::{Duration, Instant};

use conformance_engine::failure::{Failure, StepResult, ensure};
use conformance_engine::observe::{eventually, holds_for};
use cucumber::{given, then, when};

use super::{RECOVERY_LIMIT, REFUSAL_LIMIT};
use crate::checks::all;
use crate::drivers::health_service::{HealthService, Report, Watch};
use crate::drivers::{Code, Status};
use crate::params::{Span, State};
use crate::world::World;

/// The required service names.
const NAMES: [&str; 2] = ["", "user.v1.UserService"];

/// GRP-1 with the suite's test settings: `HEALTH_CACHE_TTL` + 5 s.
const REPORT_LIMIT: Duration = Duration::from_millis(5500);

/// `SHUTDOWN_TIMEOUT` + 1 s, with the suite's test settings.
const STOP_LIMIT: Duration = Duration::from_secs(6);

/// How long a program is probed after it has stopped accepting work.
const OBSERVATION_WINDOW: Duration = Duration::from_secs(2);

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
    let allowed = world.scenario.patience.stretch(REFUSAL_LIMIT);
    let slot = world.own()?.slot(0)?;
    let window = allowed + OBSERVATION_WINDOW;
    let (begun, mut late) = (Instant::now(), Vec::new());
    holds_for("Check is called", window, async || {
        for name in NAMES {
            let answer = client.check(name).await;
            if begun.elapsed() > allowed && slot.runs_on().is_ok() {
                late.push((name, answer));
            }
        }
        Ok::<_, String>(())
    })
    .await?;
    none_serving(&late)
}

/// Checks that no answer of a program that runs on was SERVING.
fn none_serving(answers: &[(&str, Result<&'static str, Status>)]) -> StepResult {
    ensure(
        !answers.is_empty(),
        "a program that runs on until its request is done",
        "it has ended before any look",
    )?;
    let serving = answers
        .iter()
        .filter(|(_, answer)| matches!(answer, Ok("SERVING")));
    let wrong = serving.map(|(name, _)| format!("Check of {name:?} answers SERVING"));
    all("no Check answers SERVING", wrong.collect(), answers.len())
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
    sees(world, "SERVING", REPORT_LIMIT).await
}

/// What it reports is free; once there is something, its call runs.
#[given("a Watch of an unknown name is open")]
async fn an_unknown_watch_is_open(world: &mut World) -> StepResult {
    let known = client(world).await?;
    all_answer(&known, "SERVING")
        .await
        .map_err(|got| Failure::mismatch("SERVING", got))?;
    open(world, &["unknown.Service"]).await?;
    let limit = world.scenario.patience.stretch(REPORT_LIMIT);
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
    sees(world, &status, REPORT_LIMIT).await
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
    super::becomes(world, State::Ready, RECOVERY_LIMIT).await?;
    sees(world, &status, limit.0).await
}

#[then("every Watch ends after NOT_SERVING")]
async fn every_watch_ends(world: &mut World) -> StepResult {
    let limit = world.scenario.patience.stretch(STOP_LIMIT);
    let watches = &world.health.watches;
    have_ended(watches, limit).await?;
    let wrong = watches.iter().filter_map(|(name, watch)| {
        let reports = watch.reports().into_iter().map(|(_, report)| report);
        let seen = ended_otherwise(&reports.collect::<Vec<_>>())?;
        Some(format!("Watch of {name:?}: {seen}"))
    });
    let expected = "NOT_SERVING before the end";
    all(expected, wrong.collect(), watches.len())
}

/// Waits until every Watch has ended.
async fn have_ended(watches: &[(String, Watch)], limit: Duration) -> StepResult {
    eventually("every Watch has ended", limit, async || {
        let open = watches
            .iter()
            .map(|(name, watch)| (name, watch.reports()))
            .find(|(_, reports)| !matches!(reports.last(), Some((_, Report::Ended(_)))));
        open.map_or(Ok(()), |(name, reports)| {
            Err(format!("Watch of {name:?}: {reports:?}"))
        })
    })
    .await
}

/// What a Watch reported, unless `NOT_SERVING` was the last status before its end.
fn ended_otherwise(reports: &[Report]) -> Option<String> {
    let last = reports.iter().rev().find_map(|report| match report {
        Report::Is(status) => Some(*status),
        Report::Ended(_) => None,
    });
    (last != Some("NOT_SERVING")).then(|| format!("{reports:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_late_answer_that_is_serving_is_refused() {
        let refused = || Err(Status::unavailable("closed"));
        let right = [("", Ok("NOT_SERVING")), ("", refused())];
        assert_eq!(none_serving(&right), Ok(()));
        assert!(none_serving(&[("", refused()), ("", Ok("SERVING"))]).is_err());
        assert!(none_serving(&[]).is_err());
    }

    #[test]
    fn a_watch_ends_after_not_serving() {
        let end = || Report::Ended("closed".to_owned());
        let right = [Report::Is("SERVING"), Report::Is("NOT_SERVING"), end()];
        assert_eq!(ended_otherwise(&right), None);
        assert!(ended_otherwise(&[Report::Is("SERVING"), end()]).is_some());
        assert!(ended_otherwise(&[end()]).is_some());
        assert!(ended_otherwise(&[]).is_some());
    }
}
