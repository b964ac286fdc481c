//! Scripts of the user service behind a gateway.

use conformance_engine::failure::{Failure, StepResult};
use cucumber::gherkin::Step;
use cucumber::{given, when};
use prost::Message as _;
use prost_types::Timestamp;
use user_proto::v1::{ListUsersResponse, User, UserStatus};

use crate::doubles::user_service::answer::ScriptedAnswer;
use crate::doubles::user_service::invalid_answers::invalid_answer;
use crate::doubles::user_service::script_text;
use crate::steps::users::table;
use crate::world::World;

#[given(regex = r"^the user service answers `(.*)`$")]
async fn answers(world: &mut World, script: String) -> StepResult {
    let script = script_text::parse(&script).map_err(Failure::broken)?;
    world.own()?.double()?.script(script);
    Ok(())
}

#[given(
    regex = r"^the user service returns (a timestamp that is far too late|a timestamp of negative fractions|a name that is no UTF-8|a user without an id|an answer without a user|a user of unknown status)$"
)]
async fn returns_invalid_answer(world: &mut World, what: String) -> StepResult {
    let answer = invalid_answer(&what, someone("any", 0));
    let answer = answer.ok_or_else(|| Failure::broken(format!("unknown answer {what:?}")))?;
    world.own()?.double()?.script(answer);
    Ok(())
}

#[given("the user service has the user")]
async fn has_the_user(world: &mut World, step: &Step) -> StepResult {
    let mut user = someone("any", 0);
    for row in table(step, &["field", "value"])? {
        let value = world.text(&row[1])?;
        put(&mut user, &row[0], value)?;
    }
    world.gateway.answers = ListUsersResponse {
        users: vec![user],
        ..ListUsersResponse::default()
    };
    answer_with_the_page(world)
}

#[given(regex = r"^the user service has (\d+) users, a further page and (\d+) in all$")]
async fn has_users(world: &mut World, count: usize, total: i32) -> StepResult {
    world.gateway.answers = ListUsersResponse {
        users: (0..count)
            .map(|it| someone(&format!("u{}", 9 - it), it))
            .collect(),
        next_page_token: "a+b/c== \u{e9}".to_owned(),
        total_count: total,
    };
    answer_with_the_page(world)
}

/// One answer for every call: in each, the first field holds the user or the users.
fn answer_with_the_page(world: &mut World) -> StepResult {
    let message = world.gateway.answers.encode_to_vec();
    let answer = ScriptedAnswer::Message(message.into());
    world.own()?.double()?.otherwise(answer);
    Ok(())
}

/// A valid user.
fn someone(id: &str, number: usize) -> User {
    let moment = Timestamp {
        seconds: 1_700_000_000,
        nanos: 1_000_000,
    };
    User {
        id: id.to_owned(),
        email: format!("{id}@example.com"),
        name: format!("User {number}"),
        status: UserStatus::Active as i32,
        created_at: Some(moment),
        updated_at: Some(moment),
        metadata: std::collections::BTreeMap::default(),
    }
}

fn put(user: &mut User, field: &str, value: String) -> StepResult {
    let moment = |text: &str| text.parse::<Timestamp>().map_err(Failure::broken);
    match field {
        "id" => user.id = value,
        "email" => user.email = value,
        "name" => user.name = value,
        "status" => user.status = crate::field_value::status(&value).map_err(Failure::broken)?,
        "created_at" => user.created_at = Some(moment(&value)?),
        "updated_at" => user.updated_at = Some(moment(&value)?),
        "metadata" => user.metadata = serde_json::from_str(&value).map_err(Failure::broken)?,
        other => return Err(Failure::broken(format!("a user has no field {other:?}"))),
    }
    Ok(())
}

#[when("the user service never answers, and every route is requested")]
async fn never_answers(world: &mut World) -> StepResult {
    world.own()?.double()?.otherwise(ScriptedAnswer::Never);
    super::requests::request_every_route(world).await
}
