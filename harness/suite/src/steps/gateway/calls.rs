//! Calls that reach the user service.

use std::collections::BTreeMap;

use conformance_engine::failure::{Failure, StepResult, ensure};
use cucumber::gherkin::Step;
use cucumber::then;
use user_proto::v1::{
    CreateUserRequest, DeleteUserRequest, GetUserRequest, ListUsersRequest, UpdateUserRequest,
};

use crate::checks::all;
use crate::doubles::user_service::records::ReceivedCall;
use crate::steps::users::table;
use crate::world::World;
use crate::world::gateway::{Exchange, SentRequest};

/// The fields of a call as texts; a missing field is `(absent)`.
type Fields = BTreeMap<String, String>;

/// The text for a missing field.
const ABSENT: &str = "(absent)";

fn json(entries: &BTreeMap<String, String>) -> String {
    serde_json::json!(entries).to_string()
}

fn named<const N: usize>(fields: [(&str, String); N]) -> Fields {
    fields.map(|(name, value)| (name.to_owned(), value)).into()
}

/// The fields of a call.
fn fields(call: &ReceivedCall) -> Result<Fields, String> {
    let or_absent = |it: Option<String>| it.unwrap_or_else(|| ABSENT.to_owned());
    Ok(match call.method() {
        "CreateUser" => {
            let it: CreateUserRequest = call.message()?;
            let mut fields = named([
                ("metadata", json(&it.metadata)),
                ("email", it.email),
                ("name", it.name),
                ("password", it.password),
            ]);
            let entries = it.metadata.into_iter();
            fields.extend(entries.map(|(key, value)| (format!("metadata.{key}"), value)));
            fields
        }
        "GetUser" => named([("id", call.message::<GetUserRequest>()?.id)]),
        "DeleteUser" => named([("id", call.message::<DeleteUserRequest>()?.id)]),
        "UpdateUser" => {
            let it: UpdateUserRequest = call.message()?;
            named([
                ("metadata", json(&it.metadata)),
                ("id", it.id),
                ("email", or_absent(it.email)),
                ("name", or_absent(it.name)),
                ("status", or_absent(it.status.map(|it| it.to_string()))),
            ])
        }
        "ListUsers" => {
            let it: ListUsersRequest = call.message()?;
            named([
                ("page_size", it.page_size.to_string()),
                ("page_token", it.page_token),
                ("filter", it.filter),
                ("order_by", it.order_by),
            ])
        }
        other => return Err(format!("a gateway has no use for {other}")),
    })
}

fn summary(call: &ReceivedCall) -> String {
    let fields = fields(call).map_or_else(|it| it, |it| format!("{it:?}"));
    let cut: String = fields.chars().take(300).collect();
    format!("{} {cut}", call.method())
}

impl World {
    /// The calls since the start of the last action.
    pub async fn new_calls(&mut self) -> StepResult<Vec<ReceivedCall>> {
        let before = self.gateway.calls_before;
        let calls = self.deployment().await?.double()?.calls();
        Ok(calls.into_iter().skip(before).collect())
    }
}

/// Checks that there is one call, of this method and with these fields.
fn is_call(calls: &[ReceivedCall], method: &str, wanted: &Fields) -> Result<(), String> {
    let [call] = calls else {
        let summaries: Vec<String> = calls.iter().map(summary).collect();
        return Err(format!(
            "{} calls instead of one: {summaries:?}",
            calls.len()
        ));
    };
    if call.method() != method {
        return Err(format!("{} instead of {method}", summary(call)));
    }
    let found = fields(call)?;
    for (name, value) in wanted {
        let seen = found.get(name).map_or(ABSENT, String::as_str);
        if seen != value && !(name == "page_size" && same_size(seen, value)) {
            return Err(format!(
                "{method} with {name} {seen:?} instead of {value:?}"
            ));
        }
    }
    Ok(())
}

/// Whether two page sizes mean the same (USR-12): a gateway may normalise them.
fn same_size(one: &str, other: &str) -> bool {
    let meant = |text: &str| match text.parse::<i32>() {
        Ok(..=0) => Some(20),
        Ok(size) => Some(size.min(100)),
        Err(_) => None,
    };
    meant(one).is_some_and(|it| meant(other) == Some(it))
}

/// The rows of a table of requests and the calls that they make.
struct Row {
    request: SentRequest,
    call: String,
    fields: Fields,
}

fn rows(world: &World, step: &Step) -> StepResult<Vec<Row>> {
    let rows =
        table(step, &["request", "body", "call"]).or_else(|_| table(step, &["request", "call"]))?;
    let header = &step
        .table
        .as_ref()
        .map(|it| it.rows[0].clone())
        .unwrap_or_default();
    let place = |name: &str| header.iter().position(|it| it == name);
    let call = place("call").unwrap_or_default();
    rows.iter()
        .map(|row| {
            let request = SentRequest::parse(&world.text(&row[0])?)?;
            let fields = header.iter().zip(row).skip(call + 1);
            let fields = fields.map(|(name, value)| Ok((name.clone(), world.text(value)?)));
            let body = place("body").map_or("", |it| &row[it]);
            Ok(Row {
                request: request.with_cell(&world.text(body)?),
                call: row[call].clone(),
                fields: fields.collect::<StepResult<_>>()?,
            })
        })
        .collect()
}

/// Fields that a call of the method has; a table has a column for those of every call.
fn of_method(fields: Fields, method: &str) -> Fields {
    let known: &[&str] = match method {
        "CreateUser" => &["email", "name", "password", "metadata"],
        "UpdateUser" => &["id", "email", "name", "status", "metadata"],
        "ListUsers" => &["page_size", "page_token", "filter", "order_by"],
        _ => &["id"],
    };
    let mut fields = fields;
    fields.retain(|name, _| known.contains(&name.as_str()));
    fields
}

#[then("each of these makes the call")]
async fn each_makes_the_call(world: &mut World, step: &Step) -> StepResult {
    each_makes_the_call_with(world, None, step).await
}

#[then(regex = r"^as `([a-z/]+; charset=[\w-]+)` each of these makes the call$")]
async fn each_of_a_type_makes_the_call(
    world: &mut World,
    content_type: String,
    step: &Step,
) -> StepResult {
    each_makes_the_call_with(world, Some(content_type), step).await
}

async fn each_makes_the_call_with(
    world: &mut World,
    content_type: Option<String>,
    step: &Step,
) -> StepResult {
    let rows = rows(world, step)?;
    let mut wrong = Vec::new();
    let count = rows.len();
    for mut row in rows {
        let header = content_type
            .iter()
            .map(|value| ("content-type".to_owned(), value.clone()));
        row.request.headers.extend(header);
        let (exchange, calls) = request_and_record(world, row.request).await?;
        let checked = is_call(&calls, &row.call, &of_method(row.fields, &row.call));
        wrong.extend(
            checked
                .err()
                .map(|got| format!("{}: {got}", exchange.summary())),
        );
        wrong.extend(exchange.fault());
    }
    all("the listed call", wrong, count)
}

/// Permitted statuses for an unusual id. The router of Go redirects to a clean path, with 307 instead of 301 since 1.26.
const REFUSED: [u16; 6] = [301, 307, 308, 400, 404, 414];

#[then(
    regex = r"^each of these is redirected, refused with 400, 404 or 414, or makes its own call with this id$"
)]
async fn each_is_refused_or_passed_on(world: &mut World, step: &Step) -> StepResult {
    let rows = rows(world, step)?;
    let mut wrong = Vec::new();
    let count = rows.len();
    for row in rows {
        let (exchange, calls) = request_and_record(world, row.request).await?;
        let wanted = of_method(row.fields, &row.call);
        let checked = refused_or_passed_on(&exchange, &calls, (&row.call, wanted));
        wrong.extend(checked.err());
    }
    all("refused, or passed on as it is", wrong, count)
}

/// Checks that a request was refused, or made the listed call; `(none)` says that no call can hold its id.
fn refused_or_passed_on(
    exchange: &Exchange,
    calls: &[ReceivedCall],
    (method, mut wanted): (&str, Fields),
) -> Result<(), String> {
    let answer = exchange.answer()?;
    // The replacement characters of invalid bytes are undefined by the contract.
    wanted.retain(|_, value| value != "(any)");
    if calls.is_empty() && REFUSED.contains(&answer.status) {
        return Ok(());
    }
    let checked = if answer.status >= 500 {
        Err("an error of the server".to_owned())
    } else if method == "(none)" {
        let calls: Vec<String> = calls.iter().map(summary).collect();
        Err(format!("not refused, with the calls {calls:?}"))
    } else {
        is_call(calls, method, &wanted)
    };
    checked.map_err(|got| format!("{}: {got}", exchange.summary()))
}

/// Sends a request; its answer, and the calls that it made.
async fn request_and_record(
    world: &mut World,
    request: SentRequest,
) -> StepResult<(Exchange, Vec<ReceivedCall>)> {
    world.begin_requests().await?;
    let exchange = world.request(request).await?;
    Ok((exchange, world.new_calls().await?))
}

#[then(regex = r"^the user service got (CreateUser|UpdateUser) with$")]
async fn got_with(world: &mut World, method: String, step: &Step) -> StepResult {
    let wanted = table(step, &["field", "value"])?.iter();
    let wanted = wanted.map(|row| Ok((world.text(&row[0])?, world.text(&row[1])?)));
    let wanted: Fields = wanted.collect::<StepResult<_>>()?;
    let calls = world.new_calls().await?;
    is_call(&calls, &method, &wanted)
        .map_err(|got| Failure::mismatch(format!("{method} with {wanted:?}"), got))
}

#[then("the user service got no call")]
async fn got_no_call(world: &mut World) -> StepResult {
    let calls = world.new_calls().await?;
    let summaries: Vec<String> = calls.iter().map(summary).collect();
    ensure(calls.is_empty(), "no call", format!("{summaries:?}"))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use bytes::{BufMut as _, Bytes, BytesMut};
    use http::HeaderMap;
    use http::uri::PathAndQuery;
    use prost::Message as _;

    use super::*;
    use crate::checks::http_answer::HttpAnswer;
    use crate::doubles::user_service::records::Ending;

    fn exchange(status: u16) -> Exchange {
        Exchange {
            request: SentRequest::parse("GET /api/v1/users/x").expect("method and path"),
            answer: Ok(HttpAnswer {
                status,
                headers: HeaderMap::new(),
                body: Bytes::new(),
                took: Duration::ZERO,
            }),
        }
    }

    fn get(id: &str) -> ReceivedCall {
        let message = GetUserRequest { id: id.to_owned() }.encode_to_vec();
        let mut body = BytesMut::new();
        body.put_u8(0);
        body.put_u32(u32::try_from(message.len()).expect("a short message"));
        body.put_slice(&message);
        ReceivedCall {
            path: PathAndQuery::from_static("/user.v1.UserService/GetUser"),
            metadata: std::sync::Arc::default(),
            body: body.freeze(),
            received: Instant::now(),
            connection: 0,
            stream: 1,
            ending: Ending::Open,
        }
    }

    #[track_caller]
    fn check(status: u16, calls: &[ReceivedCall], method: &str, right: bool) {
        let wanted = named([("id", "x".to_owned())]);
        let checked = refused_or_passed_on(&exchange(status), calls, (method, wanted));
        assert_eq!(checked.is_ok(), right, "{checked:?}");
    }

    #[test]
    fn an_id_is_refused_without_a_call_or_passed_on_unchanged() {
        check(404, &[], "GetUser", true);
        check(200, &[get("x")], "GetUser", true);
        check(404, &[get("x")], "GetUser", true);
        check(200, &[get("y")], "GetUser", false);
        check(200, &[get("x"), get("x")], "GetUser", false);
        check(200, &[], "GetUser", false);
        check(500, &[get("x")], "GetUser", false);
        check(500, &[], "GetUser", false);
        check(200, &[get("x")], "DeleteUser", false);
    }

    #[test]
    fn an_id_that_no_call_can_hold_is_refused() {
        check(400, &[], "(none)", true);
        check(400, &[get("x")], "(none)", false);
    }
}
