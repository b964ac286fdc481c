//! The database and Redis behind the service.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::Duration;

use conformance_engine::failure::{Failure, StepResult, ensure};
use conformance_engine::observe::eventually;
use cucumber::{given, then, when};
use regex::Regex;

use crate::checks::all;
use crate::drivers::database::{self, WORD, WriteRefusal};
use crate::drivers::{encodings, redis};
use crate::environment::deployment::{Deployment, Slot};
use crate::params::Span;
use crate::world::World;

/// Salted hashes in PHC or modular-crypt text.
pub fn hash_pattern() -> &'static Regex {
    static PATTERN: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"\$(?:argon2id|scrypt)\$[A-Za-z0-9+/=,$-]{20,}|\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}|\$7\$[./A-Za-z0-9$]{40,}")
            .expect("a valid pattern")
    });
    &PATTERN
}

#[given(
    regex = r"^the database refuses every write by (a trigger|a constraint|a trigger at commit)$"
)]
async fn refuses_writes(world: &mut World, means: String) -> StepResult {
    let means = match means.as_str() {
        "a trigger" => WriteRefusal::RowTrigger,
        "a constraint" => WriteRefusal::Constraint,
        _ => WriteRefusal::CommitTrigger,
    };
    let client = world.own()?.database_client().await?;
    database::refuse_writes(&client, means).await
}

#[given(regex = r"^the database takes up to (\d+ ms) for each commit$")]
async fn delays_commits(world: &mut World, most: Span) -> StepResult {
    let client = world.own()?.database_client().await?;
    database::delay_commits(&client, most.0).await
}

#[given("the database refuses every read")]
async fn refuses_reads(world: &mut World) -> StepResult {
    let client = world.own()?.database_client().await?;
    database::refuse_reads(&client).await
}

#[when("the refusal is lifted")]
async fn refusal_is_lifted(world: &mut World) -> StepResult {
    let client = world.own()?.database_client().await?;
    database::allow_writes(&client).await
}

#[when("the database closes every connection")]
async fn closes_connections(world: &mut World) -> StepResult {
    let database = world.own()?.database()?.clone();
    let client = world.own()?.database_client().await?;
    database::close_connections(&client, &database).await
}

#[then("no answer holds the database's words, but the log does")]
async fn words_stay_in_the_log(world: &mut World) -> StepResult {
    let answers = &world.users.answers;
    let wrong = answers.iter().filter(|answer| answer.contains(WORD));
    let expected = format!("no answer holds {WORD:?}");
    all(&expected, wrong.cloned().collect(), answers.len())?;
    let limit = world.scenario.patience.stretch(Duration::from_secs(1));
    let deployment = world.own()?;
    let what = format!("the log holds the database's word {WORD:?}");
    eventually(what, limit, async || {
        logs(deployment, WORD)
            .then_some(())
            .ok_or("no line with it")
    })
    .await
}

/// Whether a line of any process holds the word.
fn logs(deployment: &Deployment, word: &str) -> bool {
    let runs = deployment.slots().iter().flat_map(Slot::runs);
    runs.flat_map(|run| run.output().lines())
        .any(|line| String::from_utf8_lossy(&line.bytes).contains(word))
}

#[then(regex = r"^the database never had more than (\d+) connections of the service$")]
async fn connections_are_bounded(world: &mut World, most: i64) -> StepResult {
    let seen = world.users.most_connections;
    ensure(
        seen > 0,
        "at least one connection of the service",
        "none: is it the right database?",
    )?;
    ensure(seen <= most, format!("at most {most} connections"), seen)
}

#[when("everything that the database and Redis hold is read")]
async fn everything_is_read(world: &mut World) -> StepResult {
    let deployment = world.own()?;
    let url = deployment.redis()?.url(deployment.redis()?.address());
    let client = deployment.database_client().await?;
    let mut dump = database::dump(&client).await?;
    if dump.is_empty() {
        return Err(Failure::mismatch(
            "users in the database",
            "no row in any table",
        ));
    }
    dump.extend(redis::dump(&url).await?);
    world.users.dump = dump;
    Ok(())
}

#[then(
    regex = r#"^the password of "([A-Z][a-z]+)" does not appear in it, in clear text, hexadecimal or base64$"#
)]
async fn password_stands_nowhere(world: &mut World, alias: String) -> StepResult {
    let password = world.tracked_user(&alias)?.password.clone();
    let dump = &world.users.dump;
    let forms = encodings::of(&password);
    let holds = |line: &&String| {
        let lower = line.to_lowercase();
        forms.iter().any(|form| {
            line.contains(form.as_str())
                || (form.len() == 2 * password.len() && lower.contains(form.as_str()))
        })
    };
    let wrong = dump.iter().filter(holds).cloned().collect();
    all("the password nowhere", wrong, dump.len())
}

#[then(regex = r"^(\d+) different salted password hashes appear in it$")]
async fn hashes_stand_in_it(world: &mut World, count: usize) -> StepResult {
    let dump = &world.users.dump;
    let found: BTreeSet<&str> = dump
        .iter()
        .flat_map(|line| hash_pattern().find_iter(line))
        .map(|it| it.as_str())
        .collect();
    ensure(
        found.len() == count,
        format!("{count} different salted hashes"),
        format!("{found:?} in {dump:?}"),
    )
}
