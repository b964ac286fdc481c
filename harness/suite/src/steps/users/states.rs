//! Users as later reads show them.

use std::time::Duration;

use conformance_engine::failure::{Failure, StepResult, ensure};
use conformance_engine::observe::holds_for;
use cucumber::gherkin::Step;
use cucumber::then;
use user_proto::v1::{ListUsersRequest, User};

use super::table;
use crate::checks::all;
use crate::drivers::Code;
use crate::drivers::users::{Users, shown};
use crate::model::value;
use crate::params::Span;
use crate::world::World;
use crate::world::users::UserCall;

fn updated_at(user: &User) -> Option<(i64, i32)> {
    user.updated_at.map(|it| (it.seconds, it.nanos))
}

#[then(regex = r#"^"([A-Z][a-z]+)" is still there, unchanged$"#)]
async fn is_unchanged(world: &mut World, alias: String) -> StepResult {
    let known = world.tracked_user(&alias)?.now().clone();
    unchanged(&world.client(0).await?, &known)
        .await
        .map_err(|got| Failure::mismatch(format!("{alias} as last acknowledged: {known:?}"), got))
}

#[then(regex = r#"^every user named "([A-Z][a-z]+)" is still there, unchanged$"#)]
async fn all_are_unchanged(world: &mut World, alias: String) -> StepResult {
    let client = world.client(0).await?;
    let users = &world.group(&alias)?.users;
    let mut wrong = Vec::new();
    for user in users {
        wrong.extend(unchanged(&client, user).await.err());
    }
    all("every user as last acknowledged", wrong, users.len())
}

async fn unchanged(client: &Users, known: &User) -> Result<(), String> {
    match client.get(&known.id).await.result {
        Ok(user) if user == *known => Ok(()),
        Ok(user) => Err(format!("{user:?}")),
        Err(status) => Err(shown(&status)),
    }
}

/// The number of users that match a filter, and the first of them.
async fn find(client: &Users, filter: String) -> Result<(i32, Option<User>), String> {
    let request = ListUsersRequest {
        filter: filter.clone(),
        ..Default::default()
    };
    let page = client
        .list(request)
        .await
        .result
        .map_err(|it| format!("{filter}: {}", shown(&it)))?;
    Ok((page.total_count, page.users.into_iter().next()))
}

/// Checks that a user is neither read nor listed by name or email.
async fn gone(client: &Users, known: &User) -> Result<(), String> {
    match client.get(&known.id).await.result {
        Err(status) if status.code() == Code::NotFound => {}
        Err(status) => return Err(format!("GetUser gives {}", shown(&status))),
        Ok(user) => return Err(format!("GetUser shows {user:?}")),
    }
    for filter in [
        format!("name={}", value(&known.name, true)),
        format!("email={}", value(&known.email, true)),
    ] {
        let (count, _) = find(client, filter.clone()).await?;
        if count != 0 {
            return Err(format!("{filter} finds {count}"));
        }
    }
    Ok(())
}

/// Checks that a user is read and listed as last acknowledged, and not found by its earlier names.
async fn seen(client: &Users, states: &[User]) -> Result<(), String> {
    let Some(now) = states.last() else {
        return Ok(());
    };
    unchanged(client, now).await?;
    for filter in [
        format!("name={}", value(&now.name, true)),
        format!("email={}", value(&now.email, true)),
    ] {
        match find(client, filter.clone()).await? {
            (1, Some(user)) if user == *now => {}
            (count, user) => return Err(format!("{filter} finds {count}: {user:?}")),
        }
    }
    for before in states.iter().filter(|state| state.name != now.name) {
        let filter = format!("name={}", value(&before.name, true));
        let (count, _) = find(client, filter.clone()).await?;
        if count != 0 {
            return Err(format!("{filter}, the name before, still finds {count}"));
        }
    }
    Ok(())
}

#[then(regex = r#"^"([A-Z][a-z]+)" is gone(?: on both instances)?$"#)]
async fn is_gone(world: &mut World, alias: String) -> StepResult {
    is_gone_for(world, alias, Span(Duration::ZERO)).await
}

#[then(regex = r#"^"([A-Z][a-z]+)" is gone on both instances, for (\d+ s)$"#)]
async fn is_gone_for(world: &mut World, alias: String, window: Span) -> StepResult {
    let clients = world.all_clients().await?;
    let known = world.tracked_user(&alias)?.now().clone();
    holds_for(format!("{alias} is gone"), window.0, async || {
        for client in &clients {
            gone(client, &known).await?;
        }
        Ok::<_, String>(())
    })
    .await
}

#[then(regex = r#"^"([A-Z][a-z]+)" is seen as last acknowledged on both instances$"#)]
async fn is_seen(world: &mut World, alias: String) -> StepResult {
    is_seen_for(world, alias, Span(Duration::ZERO)).await
}

#[then(regex = r#"^"([A-Z][a-z]+)" is seen as last acknowledged on both instances, for (\d+ s)$"#)]
async fn is_seen_for(world: &mut World, alias: String, window: Span) -> StepResult {
    let clients = world.all_clients().await?;
    let states = world.tracked_user(&alias)?.states.clone();
    holds_for(
        format!("{alias} is seen as last acknowledged"),
        window.0,
        async || {
            for client in &clients {
                seen(client, &states).await?;
            }
            Ok::<_, String>(())
        },
    )
    .await
}

#[then("every read shows the change before it")]
pub async fn reads_show_changes(world: &mut World) -> StepResult {
    let reads = &world.users.reads;
    let wrong = reads.iter().filter_map(|read| match &read.returned {
        Ok(seen) if *seen == read.expected => None,
        Ok(seen) => Some(format!(
            "{} shows {seen:?} instead of {:?}",
            read.what, read.expected
        )),
        Err(status) => Some(format!("{} gives {}", read.what, shown(status))),
    });
    all(
        "every read shows the change before it",
        wrong.collect(),
        reads.len(),
    )
}

#[then(regex = r#"^the answered user is "([A-Z][a-z]+)" as last acknowledged$"#)]
async fn answered_as_known(world: &mut World, alias: String) -> StepResult {
    let known = world.tracked_user(&alias)?.now();
    let seen = world.users.calls.last().and_then(UserCall::user);
    ensure(
        seen == Some(known),
        format!("{known:?}"),
        format!("{seen:?}"),
    )
}

#[then("the answered user has the metadata")]
async fn answered_metadata(world: &mut World, step: &Step) -> StepResult {
    let rows = table(step, &["key", "value"])?;
    let wanted: std::collections::BTreeMap<String, String> = rows
        .iter()
        .map(|row| (row[0].clone(), row[1].clone()))
        .collect();
    let seen = world
        .users
        .calls
        .last()
        .and_then(UserCall::user)
        .map(|it| &it.metadata);
    ensure(
        seen == Some(&wanted),
        format!("{wanted:?}"),
        format!("{seen:?}"),
    )
}

#[then(regex = r#"^updated_at of "([A-Z][a-z]+)" has increased$"#)]
async fn has_increased(world: &mut World, alias: String) -> StepResult {
    let states = &world.tracked_user(&alias)?.states;
    let [.., before, after] = states.as_slice() else {
        return Err(Failure::broken("the user was not changed"));
    };
    ensure(
        updated_at(after) > updated_at(before),
        format!("later than {:?}", updated_at(before)),
        format!("{:?}", updated_at(after)),
    )
}

#[then(regex = r#"^id and created_at of "([A-Z][a-z]+)" have not changed$"#)]
async fn have_not_changed(world: &mut World, alias: String) -> StepResult {
    let person = world.tracked_user(&alias)?;
    let first = person.first();
    let wrong = person
        .states
        .iter()
        .filter(|state| state.id != first.id || state.created_at != first.created_at);
    let wrong = wrong
        .map(|it| format!("{} {:?}", it.id, it.created_at))
        .collect();
    all(
        &format!("{} {:?}", first.id, first.created_at),
        wrong,
        person.states.len(),
    )
}

#[then("each answer's updated_at is later than the one before")]
async fn updated_at_grows(world: &mut World) -> StepResult {
    let before = world
        .users
        .calls
        .first()
        .and_then(|it| it.expected.as_ref()?.before.as_ref());
    let answered = world.users.calls.iter().filter_map(UserCall::user);
    let times: Vec<_> = before.into_iter().chain(answered).map(updated_at).collect();
    let wrong = times.windows(2).filter(|it| it[0] >= it[1]);
    let wrong = wrong
        .map(|it| format!("{:?} after {:?}", it[1], it[0]))
        .collect();
    all(
        "each updated_at later than the one before",
        wrong,
        times.len().saturating_sub(1),
    )
}

#[then("no two answers share an updated_at")]
async fn updated_at_differs(world: &mut World) -> StepResult {
    let mut times: Vec<_> = world
        .users
        .calls
        .iter()
        .filter_map(|it| it.user().map(updated_at))
        .collect();
    times.sort_unstable();
    let wrong = times
        .windows(2)
        .filter(|it| it[0] == it[1])
        .map(|it| format!("{:?} twice", it[0]));
    all(
        "an updated_at of its own for each answer",
        wrong.collect(),
        times.len(),
    )
}

#[then(regex = r#"^the name of "([A-Z][a-z]+)" is the one answered with the latest updated_at$"#)]
async fn name_is_the_latest(world: &mut World, alias: String) -> StepResult {
    let id = world.tracked_user(&alias)?.now().id.clone();
    let now = world.client(0).await?.get(&id).await.ok()?;
    let answered = world.users.calls.iter().filter_map(UserCall::user);
    let latest = answered.max_by_key(|it| updated_at(it));
    ensure(
        latest == Some(&now),
        format!("{latest:?}"),
        format!("{now:?}"),
    )
}

#[then("exactly one user has that email")]
async fn one_has_the_email(world: &mut World) -> StepResult {
    let client = world.client(0).await?;
    let (count, _) = find(&client, format!("email={}", world.users.contested))
        .await
        .map_err(|got| Failure::mismatch("one user with the email", got))?;
    ensure(count == 1, "one user with the email", count)
}

#[then(regex = r#"^no answer ever held the password of "([A-Z][a-z]+)" or a password hash$"#)]
async fn no_password_was_answered(world: &mut World, alias: String) -> StepResult {
    let password = world.tracked_user(&alias)?.password.clone();
    if password.is_empty() {
        return Err(Failure::broken(format!("{alias} has no password")));
    }
    let kept = world.client(0).await?.transcript().kept();
    let bytes = kept.unwrap_or_default();
    ensure(
        !bytes.is_empty(),
        "answers that were kept byte by byte",
        "none",
    )?;
    let mut texts = world.users.answers.clone();
    texts.push(String::from_utf8_lossy(&bytes).into_owned());
    without_password(&texts, &password)
}

/// Checks that no text holds the password or a password hash.
fn without_password(texts: &[String], password: &str) -> StepResult {
    let hash = super::storage::hash_pattern();
    let wrong = texts
        .iter()
        .filter(|text| text.contains(password) || hash.is_match(text));
    all(
        "no password and no hash in an answer",
        wrong.cloned().collect(),
        texts.len(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_or_a_hash_in_one_answer_is_found() {
        let texts = |text: &str| vec!["fine".to_owned(), text.to_owned()];
        let hash = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo";
        assert_eq!(
            without_password(&texts("User { name }"), "secret42"),
            Ok(())
        );
        assert!(without_password(&texts("is secret42."), "secret42").is_err());
        assert!(without_password(&texts(hash), "secret42").is_err());
        assert!(without_password(&[], "secret42").is_err());
    }
}
