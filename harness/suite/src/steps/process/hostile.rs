//! Hostile text in the log (LOG-5).

use conformance_engine::failure::{Failure, StepResult};
use cucumber::{then, when};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use prost::Message as _;
use user_proto::v1::{GetUserResponse, User};

use super::output::{any_event, stdout, wait_for};
use crate::checks::all;
use crate::contract::components::UsersApi;
use crate::doubles::user_service::answer::ScriptedAnswer;
use crate::drivers::Code;
use crate::drivers::text_places::{self, Target};
use crate::drivers::users::Users;
use crate::world::World;

/// How many texts are sent at once.
const AT_ONCE: usize = 4;

/// The texts; `mark` identifies what they forge.
fn texts(mark: &str) -> Vec<String> {
    let json = format!(
        r#"{{"time":"2024-01-01T00:00:00Z","level":"ERROR","msg":"forged-{mark}","source":"x"}}"#
    );
    let text = format!("time=2024-01-01T00:00:00Z level=ERROR msg=forged-{mark} source=x");
    let mut texts: Vec<String> = [
        "\n", "\r\n", "\r", "\u{85}", "\u{2028}", "\u{2029}", "\u{b}", "\u{c}",
    ]
    .iter()
    .flat_map(|end| [format!("a{end}{json}{end}"), format!("a{end}{text}{end}")])
    .collect();
    texts.push(format!(r#"a","forged{mark}":"b"#));
    texts.push(format!(r#"a"}}{json}"#));
    texts.push(format!("a\" forged{mark}=b c=\""));
    texts.push(format!("a forged{mark}=b"));
    texts.extend(
        [
            "a\\",
            "\\\"",
            "\u{0}",
            "\u{1b}[2J\u{1b}[31m",
            "\u{7f}\u{80}\u{9f}",
            "\u{202e}\u{200b}\u{feff}",
            "\u{d7ff}\u{e000}\u{fffd}\u{fffe}\u{ffff}\u{10000}\u{1f600}\u{1fffe}\u{10ffff}",
        ]
        .map(str::to_owned),
    );
    texts.push("x".repeat(1024));
    texts
}

#[when(
    regex = r"^hostile text is sent in (an? .+|the .+|bytes that are no request|bytes that are no UTF-8)$"
)]
async fn is_sent(world: &mut World, place: String) -> StepResult {
    let own = world.component.text_places;
    if !text_places::COMMON
        .iter()
        .chain(own)
        .any(|known| *known == place)
    {
        return Err(Failure::broken(format!("unknown place for text {place:?}")));
    }
    send_all(world, &[place.as_str()]).await
}

#[when("hostile text is sent in every place")]
async fn is_sent_everywhere(world: &mut World) -> StepResult {
    let own = world.component.text_places;
    let places: Vec<_> = text_places::COMMON.iter().chain(own).copied().collect();
    send_all(world, &places).await
}

async fn send_all(world: &mut World, places: &[&str]) -> StepResult {
    let mark = world.scenario.id.clone();
    let users_api = world.component.users_api;
    let slot = world.deployment().await?.slot(0)?;
    let target = Target {
        http: slot.port("PORT")?,
        grpc: match users_api {
            Some(UsersApi::Grpc) => Some((slot.port("GRPC_PORT")?, slot.grpc_url()?)),
            _ => None,
        },
    };
    let client = world.fresh_client(0).await?.quiet();
    for place in places {
        if *place == text_places::NO_UTF8 {
            text_places::send_bytes(&target).await?;
            continue;
        }
        // Hashing passwords is expensive: with other places in the same step, passwords get a part of the texts.
        let step = if *place == "a password" && places.len() > 1 {
            4
        } else {
            1
        };
        let texts = texts(&mark).into_iter().step_by(step);
        if place.contains("the user service") {
            for text in texts {
                answered_with(world, &client, place, &text).await?;
            }
            continue;
        }
        let sent = texts.map(|text| {
            let (client, target) = (&client, &target);
            async move { text_places::send(client, target, place, &text).await }
        });
        stream::iter(sent)
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await?;
    }
    // The log line of this request shows that all earlier lines are written.
    let id = world.new_request_id();
    let request = world.newcomer();
    world
        .client(0)
        .await?
        .with_request_id(&id)
        .create(request)
        .await
        .ok()?;
    wait_for(
        world,
        "the line of the last request".to_owned(),
        |_, event| event.field("request_id") == id,
    )
    .await
}

/// Gets users while the user service answers with the text.
async fn answered_with(world: &mut World, client: &Users, place: &str, text: &str) -> StepResult {
    for answer in answers_of_the_user_service(place, text) {
        let id = world.new_request_id();
        let double = world.deployment().await?.double()?;
        double.script_for(&id, answer);
        client.clone().with_request_id(&id).get("unknown").await;
    }
    Ok(())
}

/// Answers with text in a message, or in a user none of whose other fields is valid.
fn answers_of_the_user_service(place: &str, text: &str) -> Vec<ScriptedAnswer> {
    if place == "a message of the user service" {
        // The second does not count as a failure, so that the breaker stays closed.
        return [Code::Internal, Code::NotFound]
            .map(|code| ScriptedAnswer::status(code, text))
            .into();
    }
    let user = User {
        id: text.to_owned(),
        email: text.to_owned(),
        name: text.to_owned(),
        status: i32::MIN,
        created_at: Some(prost_types::Timestamp {
            seconds: i64::MAX,
            nanos: -1,
        }),
        ..User::default()
    };
    let answer = GetUserResponse { user: Some(user) };
    vec![ScriptedAnswer::Message(answer.encode_to_vec().into())]
}

#[then("every line on standard output is still an event")]
async fn every_line_is_an_event(world: &mut World) -> StepResult {
    let lines = stdout(world.deployment().await?);
    let wrong = lines.iter().filter_map(|line| {
        let error = any_event(line).err()?;
        Some(format!("{:?}: {error}", String::from_utf8_lossy(line)))
    });
    all("every line is one event", wrong.collect(), lines.len())
}

#[then("no client has forged an event or a field")]
async fn nothing_is_forged(world: &mut World) -> StepResult {
    let mark = world.scenario.id.clone();
    let lines = stdout(world.deployment().await?);
    let wrong = lines
        .iter()
        .filter(|line| is_forged(line, &mark))
        .map(|line| String::from_utf8_lossy(line).into_owned());
    let expected = "no event and no member that a client made";
    all(expected, wrong.collect(), lines.len())
}

/// Whether a line is an event, or has a member, that a client wrote into a text.
fn is_forged(line: &[u8], mark: &str) -> bool {
    let (message, member) = (format!("forged-{mark}"), format!("forged{mark}"));
    any_event(line)
        .is_ok_and(|event| event.field("msg") == message || event.fields.contains_key(&member))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An event whose message and further members are these.
    fn event(message: &str, more: &str) -> Vec<u8> {
        format!(
            r#"{{"time":"2024-01-01T00:00:00Z","level":"ERROR","msg":"{message}","source":"x"{more}}}"#
        )
        .into_bytes()
    }

    #[test]
    fn an_event_or_a_member_with_the_mark_is_forged() {
        assert!(is_forged(&event("forged-m", ""), "m"));
        assert!(is_forged(&event("fine", r#","forgedm":"b""#), "m"));
        assert!(!is_forged(&event("a client sent forged-m", ""), "m"));
        assert!(!is_forged(&event("fine", r#","text":"forgedm=b""#), "m"));
    }
}
