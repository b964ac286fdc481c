//! Times of answers, and retries (RES-1, RES-2).

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use conformance_engine::failure::{Failure, StepResult, ensure};
use conformance_engine::observe::{elapse, eventually};
use cucumber::gherkin::Step;
use cucumber::{given, then, when};

use crate::checks::all;
use crate::contract::components::gateway::USER_SERVICE;
use crate::doubles::user_service::records::ReceivedCall;
use crate::doubles::user_service::script::Script;
use crate::doubles::user_service::script_text;
use crate::params::Span;
use crate::properties::retries;
use crate::steps::users::table;
use crate::world::World;
use crate::world::gateway::{Exchange, SentRequest};

/// Tolerance for the precision of clocks and the delay between program and suite.
const TOLERANCE: Duration = Duration::from_millis(10);

fn late_or_early(world: &World, expected: &str, right: impl Fn(Duration) -> bool) -> StepResult {
    let exchanges = &world.gateway.exchanges;
    let wrong = exchanges
        .iter()
        .filter_map(|exchange| match exchange.answer() {
            Ok(answer) if right(answer.took) => None,
            Ok(answer) => Some(format!("{} after {:?}", exchange.summary(), answer.took)),
            Err(got) => Some(got),
        });
    all(expected, wrong.collect(), exchanges.len())
}

#[then(regex = r"^every answer came after (\d+ (?:ms|s))$")]
async fn came_after(world: &mut World, time: Span) -> StepResult {
    let latest = world.scenario.patience.stretch(time.0);
    let expected = format!("an answer after {:?}, within {latest:?}", time.0);
    late_or_early(world, &expected, |took| {
        took + TOLERANCE >= time.0 && took <= latest
    })
}

#[then(regex = r"^every answer came within (\d+ (?:ms|s))$")]
async fn came_within(world: &mut World, limit: Span) -> StepResult {
    let latest = world.scenario.patience.stretch(limit.0);
    let expected = format!("an answer within {:?}, on this machine {latest:?}", limit.0);
    late_or_early(world, &expected, |it| it <= latest)
}

/// When a request was answered, it leaves no work behind (RES-1): its calls end in time, and after that no attempt begins.
#[then(regex = r"^every call ends within (\d+ s) of that, and no other follows for (\d+ s)$")]
async fn no_call_goes_on(world: &mut World, limit: Span, window: Span) -> StepResult {
    let answered = Instant::now();
    let calls = world.new_calls().await?;
    ensure(!calls.is_empty(), "calls of the user service", "none")?;
    let before = world.gateway.calls_before;
    let stretched = world.scenario.patience.stretch(limit.0);
    let double = world.own()?.double()?;
    double.calls_are_over(before, stretched).await?;
    elapse((answered + limit.0).saturating_duration_since(Instant::now())).await;
    let attempts = double.calls().len() - before;
    double.receives_only(before, attempts, window.0).await
}

#[then("the answer is that of an unavailable service or of a time-out")]
#[then("every answer is that of an unavailable service or of a time-out")]
async fn unavailable_or_late(world: &mut World) -> StepResult {
    let exchanges = &world.gateway.exchanges;
    let wrong = exchanges.iter().filter_map(|exchange| {
        let unavailable = exchange.is_error(503, "service unavailable");
        unavailable
            .or_else(|_| exchange.is_error(504, "upstream timeout"))
            .err()
    });
    all(
        "503 or 504, with its error",
        wrong.collect(),
        exchanges.len(),
    )
}

#[given("requests have succeeded")]
async fn have_succeeded(world: &mut World) -> StepResult {
    let client = world.client(0).await?;
    let request = world.newcomer();
    let user = client.create(request).await.ok()?;
    client.get(&user.id).await.ok().map(|_| ())
}

#[then(regex = r"^the user service got (\d+) calls?$")]
async fn got_calls(world: &mut World, count: usize) -> StepResult {
    let calls = world.new_calls().await?;
    let methods: Vec<&str> = calls.iter().map(ReceivedCall::method).collect();
    ensure(
        calls.len() == count,
        format!("{count} calls"),
        format!("{methods:?}"),
    )
}

/// Requests with other methods than GET.
const OTHER_METHODS: [(&str, &str); 3] = [
    ("POST /api/v1/users", "{}"),
    ("PUT /api/v1/users/x", "{}"),
    ("DELETE /api/v1/users/x", ""),
];

#[then("each of these answers is given once")]
async fn each_is_given_once(world: &mut World, step: &Step) -> StepResult {
    let rows = table(step, &["answer"])?;
    let mut wrong = Vec::new();
    for row in rows {
        let script = script_text::parse(&row[0]).map_err(Failure::broken)?;
        for (request, body) in OTHER_METHODS {
            let request = SentRequest::parse(request)?.with_cell(body);
            let attempts = request_with_script(world, request, script.clone()).await?;
            wrong.extend(
                attempts
                    .failed_once()
                    .map(|got| format!("{}: {got}", row[0])),
            );
        }
    }
    all("one call, and an error", wrong, rows.len())
}

/// A request, and the number of calls that the gateway made for it.
struct Attempts {
    exchange: Exchange,
    calls: usize,
}

impl Attempts {
    /// What is wrong, unless there was one call and the answer is an error.
    fn failed_once(&self) -> Option<String> {
        let succeeded = self
            .exchange
            .answer()
            .is_ok_and(|answer| answer.status < 400);
        (self.calls != 1 || succeeded)
            .then(|| format!("{} calls, {}", self.calls, self.exchange.summary()))
    }
}

/// Sends a request for whose calls the user service has this script.
async fn request_with_script(
    world: &mut World,
    request: SentRequest,
    script: Script,
) -> StepResult<Attempts> {
    world.begin_requests().await?;
    world.own()?.double()?.script(script);
    let exchange = world.request(request).await?;
    let calls = world.new_calls().await?.len();
    Ok(Attempts { exchange, calls })
}

#[when(regex = r"^`([A-Z]+ /\S*)` is requested (\d+) times at once$")]
async fn is_requested_at_once(world: &mut World, request: String, times: usize) -> StepResult {
    world.begin_requests().await?;
    let client = world.gateway().await?;
    let asking = (0..times).map(|number| {
        let mut request = SentRequest::parse(&request)?;
        request.id = Some(format!("{}-{number}", world.scenario.id));
        Ok(super::exchange(&client, request))
    });
    let asking: Vec<_> = asking.collect::<StepResult<_>>()?;
    world.gateway.exchanges = futures::future::try_join_all(asking).await?;
    Ok(())
}

/// The pauses between the attempts of each request, by the number of the attempt.
async fn pauses(world: &mut World) -> StepResult<Vec<Vec<Duration>>> {
    let calls = world.new_calls().await?;
    if calls.is_empty() {
        return Err(Failure::mismatch("calls of the user service", "none"));
    }
    let mut tries: BTreeMap<String, Vec<ReceivedCall>> = BTreeMap::new();
    for call in calls {
        let id = call.request_id().unwrap_or_default().to_owned();
        tries.entry(id).or_default().push(call);
    }
    let pause = |pair: &[ReceivedCall]| {
        let answered = pair[0].answered().unwrap_or(pair[0].received);
        pair[1].received.saturating_duration_since(answered)
    };
    Ok(tries
        .values()
        .map(|calls| calls.windows(2).map(pause).collect())
        .collect())
}

#[then(regex = r"^the pauses between attempts are (\d+ to \d+ ms(?:, \d+ to \d+ ms)*)$")]
async fn pauses_are(world: &mut World, ranges: String) -> StepResult {
    let wanted = ranges.split(", ").map(range).collect::<Option<Vec<_>>>();
    let wanted = wanted.ok_or_else(|| Failure::broken("no ranges"))?;
    let patience = world.scenario.patience;
    let allowed: Vec<_> = wanted
        .into_iter()
        .map(|(least, most)| least.saturating_sub(TOLERANCE)..=patience.stretch(most))
        .collect();
    pauses_within(&pauses(world).await?, &allowed, &ranges)
}

/// `80 to 120 ms`.
fn range(text: &str) -> Option<(Duration, Duration)> {
    let (least, most) = text.trim_end_matches(" ms").split_once(" to ")?;
    let millis = |number: &str| number.parse().ok().map(Duration::from_millis);
    Some((millis(least)?, millis(most)?))
}

/// Checks that each request has as many pauses as there are ranges, each within its own.
fn pauses_within(
    pauses: &[Vec<Duration>],
    allowed: &[RangeInclusive<Duration>],
    ranges: &str,
) -> StepResult {
    let fits = |pauses: &Vec<Duration>| {
        pauses.len() == allowed.len()
            && std::iter::zip(allowed, pauses).all(|(range, pause)| range.contains(pause))
    };
    let wrong = pauses.iter().filter(|pauses| !fits(pauses));
    let wrong = wrong.map(|pauses| format!("{pauses:?}")).collect();
    all(&format!("pauses of {ranges}"), wrong, pauses.len())
}

/// The shortest of many pauses shows the factor from one to the next: what a busy machine adds, it adds to few.
///
/// Of two dozen the shortest is beyond the middle of its range once in 16 million runs.
#[then(regex = r"^the shortest of each are at most (\d+ ms(?:, \d+ ms)*)$")]
async fn shortest_are(world: &mut World, middles: String) -> StepResult {
    let middles = middles.split(", ").map(str::parse::<Span>);
    let middles: Vec<Span> = middles.collect::<Result<_, _>>().map_err(Failure::broken)?;
    let pauses = pauses(world).await?;
    let allowed = TOLERANCE.mul_f64(3.0 * world.scenario.patience.factor());
    let shortest = |number: usize| pauses.iter().filter_map(|it| it.get(number)).min();
    let wrong = middles
        .iter()
        .enumerate()
        .filter_map(|(number, middle)| match shortest(number) {
            Some(pause) if *pause <= middle.0 + allowed => None,
            other => Some(format!("pause {} is at least {other:?}", number + 1)),
        });
    all("short pauses among many", wrong.collect(), middles.len())
}

/// Of two dozen pauses the shortest is beyond the middle of its range once in 16 million runs.
#[then(regex = r"^the shortest of them is at most (\d+ ms), and the longest (\d+ ms) longer$")]
async fn pauses_differ(world: &mut World, middle: Span, apart: Span) -> StepResult {
    let pauses: Vec<Duration> = pauses(world).await?.concat();
    let (Some(shortest), Some(longest)) = (pauses.iter().min(), pauses.iter().max()) else {
        return Err(Failure::mismatch("pauses between tries", "none"));
    };
    let allowed = TOLERANCE.mul_f64(3.0 * world.scenario.patience.factor());
    ensure(
        *shortest <= middle.0 + allowed && *longest >= *shortest + apart.0,
        format!(
            "random pauses, the shortest at most {:?}, {:?} apart or more",
            middle.0, apart.0
        ),
        format!("{} of them, {shortest:?} to {longest:?}", pauses.len()),
    )
}

#[when(regex = r"^`([A-Z]+ /\S*)` is requested, and the user service is restored after (\d+ ms)$")]
async fn requested_and_restored(world: &mut World, request: String, after: Span) -> StepResult {
    world.begin_requests().await?;
    let client = world.gateway().await?;
    let mut request = SentRequest::parse(&request)?;
    request.id = Some(world.scenario.id.clone());
    let asking = super::exchange(&client, request);
    let slot = world.own()?.slot(0)?;
    let restoring = async {
        elapse(after.0).await;
        slot.link(USER_SERVICE)?.restore().await;
        Ok(())
    };
    let (exchange, ()) = futures::future::try_join(asking, restoring).await?;
    world.gateway.exchanges.push(exchange);
    Ok(())
}

#[then(regex = r"^requests succeed again within (\d+ ms)$")]
async fn succeed_again(world: &mut World, limit: Span) -> StepResult {
    let limit = world.scenario.patience.stretch(limit.0);
    let requests: Vec<_> = (0..3).map(|_| world.newcomer()).collect();
    let client = world.client(0).await?;
    world.own()?.double()?.forget_scripts();
    eventually("3 requests in a row succeed", limit, async || {
        client.create_and_get(&requests).await
    })
    .await
}

#[then("any script of the user service leads to as many attempts of a GET as in the model")]
async fn any_script(world: &mut World) -> StepResult {
    let client = world.gateway().await?;
    let seed = world.scenario.seed;
    retries::check(client, world.own()?.double()?.clone(), seed).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pauses: &[&[u64]], right: bool) {
        let millis = |number: &u64| Duration::from_millis(*number);
        let pauses: Vec<Vec<Duration>> = pauses
            .iter()
            .map(|pauses| pauses.iter().map(millis).collect())
            .collect();
        let allowed = [80..=120, 160..=240]
            .map(|range: RangeInclusive<u64>| millis(range.start())..=millis(range.end()));
        let checked = pauses_within(&pauses, &allowed, "80 to 120 ms, 160 to 240 ms");
        assert_eq!(checked.is_ok(), right, "{checked:?}");
    }

    #[test]
    fn each_request_has_each_pause_within_its_range() {
        check(&[&[80, 240], &[100, 200]], true);
        check(&[&[100, 200], &[79, 200]], false);
        check(&[&[100, 241]], false);
        check(&[&[100]], false);
        check(&[&[100, 200, 200]], false);
    }

    #[test]
    fn without_a_request_no_pause_was_right() {
        check(&[], false);
    }

    #[test]
    fn a_range_of_pauses_is_read() {
        let millis = Duration::from_millis;
        assert_eq!(range("80 to 120 ms"), Some((millis(80), millis(120))));
        assert_eq!(range("80 ms"), None);
    }
}
