//! What every answer of the gateway must look like (GWY-1, GWY-2, GWY-5, GWY-7).

use chrono::DateTime;
use prost_types::Timestamp;
use serde_json::{Map, Value};
use user_proto::v1::{ListUsersResponse, User, UserStatus};

use super::http_answer::HttpAnswer;

/// The result of a check: what it found, or what is wrong.
pub type Check<T> = Result<T, String>;

/// Checks that the answer carries the request's id; `sent` is what the request carried (GWY-7).
pub fn request_id(answer: &HttpAnswer, sent: &str) -> Check<()> {
    let received = answer.header("x-request-id");
    if !is_request_id(received) {
        return Err(format!(
            "X-Request-Id {received:?} is not 1 to 128 visible ASCII characters (GWY-7)"
        ));
    }
    if is_request_id(sent) && received != sent {
        return Err(format!(
            "X-Request-Id {received:?} instead of {sent:?} (GWY-7)"
        ));
    }
    Ok(())
}

/// Whether a text may be a request's id (GWY-7).
pub fn is_request_id(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_graphic())
}

/// The message of an error (GWY-5), which may have further members (GWY-2).
pub fn error(answer: &HttpAnswer) -> Check<String> {
    let body = object(answer)?;
    match body.get("error") {
        Some(Value::String(message)) => Ok(message.clone()),
        _ => Err("the body is not {\"error\": \"message\"} (GWY-5)".to_owned()),
    }
}

/// That the answer is that of an open breaker; the seconds of its Retry-After (RES-3).
pub fn breaker_is_open(answer: &HttpAnswer) -> Check<u64> {
    let message = error(answer)?;
    if answer.status != 503 || message != "circuit breaker is open" {
        return Err(format!(
            "{} instead of 503 `circuit breaker is open` (RES-3)",
            answer.shown()
        ));
    }
    let retry_after = answer.header("retry-after");
    let digits = !retry_after.is_empty() && retry_after.bytes().all(|it| it.is_ascii_digit());
    let seconds = digits.then(|| retry_after.parse().ok()).flatten();
    seconds.ok_or_else(|| format!("Retry-After {retry_after:?} is no number of seconds (RES-3)"))
}

/// The user of `{"user": {...}}` (GWY-2).
pub fn one_user(answer: &HttpAnswer) -> Check<User> {
    let body = object(answer)?;
    let found = body.get("user");
    user(found.ok_or("the body has no member `user` (GWY-2)")?)
}

/// Checks that the body is `{"user": {...}}`, with any members: for users that no user service may send.
pub fn some_user(answer: &HttpAnswer) -> Check<()> {
    let body = object(answer)?;
    let user = body.get("user").filter(|it| it.is_object());
    user.map(|_| ())
        .ok_or("the body shows no user (GWY-2)".to_owned())
}

/// The page of `{"users": [...], "next_page_token": "...", "total_count": n}` (GWY-2).
pub fn page(answer: &HttpAnswer) -> Check<ListUsersResponse> {
    let body = object(answer)?;
    let users = body.get("users").and_then(Value::as_array);
    let users = users.ok_or("the body has no list `users` (GWY-2)")?;
    let total = body.get("total_count").and_then(Value::as_i64);
    let total = total.and_then(|it| i32::try_from(it).ok());
    Ok(ListUsersResponse {
        users: users.iter().map(user).collect::<Check<_>>()?,
        next_page_token: text(&body, "next_page_token")?.to_owned(),
        total_count: total.ok_or("`total_count` is no whole number (GWY-2)")?,
    })
}

/// The body as an object, sent as JSON (GWY-1).
fn object(answer: &HttpAnswer) -> Check<Map<String, Value>> {
    let content_type = answer.header("content-type");
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(format!(
            "Content-Type {content_type:?} instead of application/json (GWY-1)"
        ));
    }
    match serde_json::from_slice(&answer.body) {
        Ok(Value::Object(body)) => Ok(body),
        Ok(_) => Err("the body is no JSON object (GWY-1)".to_owned()),
        Err(error) => Err(format!("the body is no JSON: {error} (GWY-1)")),
    }
}

fn text<'a>(of: &'a Map<String, Value>, member: &str) -> Check<&'a str> {
    let found = of.get(member).and_then(Value::as_str);
    found.ok_or_else(|| format!("`{member}` is no text (GWY-2)"))
}

fn user(value: &Value) -> Check<User> {
    let user = value.as_object().ok_or("a user is no object (GWY-2)")?;
    let status = text(user, "status")?;
    let status = UserStatus::from_str_name(status)
        .ok_or_else(|| format!("status {status:?} is no name of a status (GWY-2)"))?;
    let metadata = user.get("metadata").and_then(Value::as_object);
    let metadata = metadata.ok_or("`metadata` is no object (GWY-2)")?;
    let entry = |(key, value): (&String, &Value)| match value {
        Value::String(value) => Ok((key.clone(), value.clone())),
        _ => Err(format!("the metadata's {key:?} is no text (GWY-2)")),
    };
    Ok(User {
        id: text(user, "id")?.to_owned(),
        email: text(user, "email")?.to_owned(),
        name: text(user, "name")?.to_owned(),
        status: status as i32,
        created_at: Some(timestamp(text(user, "created_at")?)?),
        updated_at: Some(timestamp(text(user, "updated_at")?)?),
        metadata: metadata.iter().map(entry).collect::<Check<_>>()?,
    })
}

/// A time in UTC (RFC 3339) with any number of digits in its fraction.
fn timestamp(text: &str) -> Check<Timestamp> {
    let wrong = || format!("{text:?} is no RFC 3339 time in UTC (GWY-2)");
    let moment = DateTime::parse_from_rfc3339(text).map_err(|_| wrong())?;
    if !text.ends_with(['Z', 'z']) && !text.ends_with("+00:00") {
        return Err(wrong());
    }
    Ok(Timestamp {
        seconds: moment.timestamp(),
        nanos: i32::try_from(moment.timestamp_subsec_nanos()).unwrap_or(i32::MAX),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::HeaderMap;

    use super::*;

    fn answer(body: &str) -> HttpAnswer {
        let json = [("content-type", "application/json; charset=utf-8")];
        let headers = json.map(|(name, value)| {
            (
                name.parse::<http::HeaderName>().expect("a name"),
                value.parse().expect("a value"),
            )
        });
        HttpAnswer {
            status: 200,
            headers: HeaderMap::from_iter(headers),
            body: body.to_owned().into(),
            took: Duration::ZERO,
        }
    }

    const USER: &str = r#"{"id":"1","email":"a@b","name":"A","status":"USER_STATUS_ACTIVE",
        "created_at":"2026-01-02T03:04:05.678Z","updated_at":"2026-01-02T03:04:05.678901+00:00",
        "metadata":{"k":"v"}}"#;

    #[track_caller]
    fn refused(user: &str, said: &str) {
        let error = one_user(&answer(&format!("{{\"user\":{user}}}"))).expect_err(said);
        assert!(error.contains(said), "{error}");
    }

    #[test]
    fn a_user_has_every_member_in_its_form() {
        let found = one_user(&answer(&format!("{{\"user\":{USER}}}"))).expect("a user");
        assert_eq!(found.created_at.map(|it| it.nanos), Some(678_000_000));
        assert_eq!(found.metadata.len(), 1);
        refused(&USER.replace("USER_STATUS_ACTIVE", "ACTIVE"), "status");
        refused(&USER.replace("678Z", "678+01:00"), "UTC");
        refused(&USER.replace("2026-01-02T", "2026-01-02 at "), "RFC 3339");
        refused(&USER.replace("{\"k\":\"v\"}", "null"), "metadata");
        refused(&USER.replace("\"id\":\"1\"", "\"id\":1"), "`id`");
        refused(&USER.replace("\"email\":\"a@b\",", ""), "`email`");
    }

    #[test]
    fn an_error_has_its_message_and_may_have_more() {
        for body in [r#"{"error":"no"}"#, r#"{"error":"no","status":404}"#] {
            assert_eq!(error(&answer(body)).as_deref(), Ok("no"));
        }
        for body in ["", "no", "[]", "{}", r#"{"error":1}"#, r#"{"message":"a"}"#] {
            assert!(error(&answer(body)).is_err(), "{body}");
        }
        let mut plain = answer(r#"{"error":"no"}"#);
        plain.headers.clear();
        assert!(error(&plain).is_err());
    }

    #[test]
    fn a_page_has_its_three_members() {
        let body = format!(r#"{{"users":[{USER}],"next_page_token":"","total_count":7}}"#);
        let found = page(&answer(&body)).expect("a page");
        assert_eq!((found.users.len(), found.total_count), (1, 7));
        for (from, to) in [("\"\"", "null"), ("7", "\"7\""), ("[", "{\"x\":[")] {
            assert!(page(&answer(&body.replacen(from, to, 1))).is_err(), "{to}");
        }
    }

    #[test]
    fn a_request_id_is_kept_or_made() {
        let with = |id: &str| {
            let mut answer = answer("{}");
            if let Ok(id) = id.parse() {
                answer.headers.insert("x-request-id", id);
            }
            answer
        };
        assert_eq!(request_id(&with("mine"), "mine"), Ok(()));
        assert_eq!(request_id(&with("made"), "not valid"), Ok(()));
        assert!(request_id(&with("made"), "mine").is_err());
        assert!(request_id(&with(""), "not valid").is_err());
        assert!(request_id(&answer("{}"), "not valid").is_err());
    }
}
