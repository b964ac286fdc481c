//! Whether an answer to `/health` is complete, and its content (HLT-2).

use chrono::{DateTime, Utc};
use serde_json::Value;

/// A health answer that has everything that HLT-2 asks for.
#[derive(Clone, Debug)]
pub struct HealthAnswer {
    /// healthy, degraded or unhealthy.
    pub status: String,
    /// The program's version.
    pub version: String,
    /// When the checks were made.
    pub timestamp: DateTime<Utc>,
    /// Each component, in the answer's order.
    pub components: Vec<Component>,
}

/// One component of a health answer.
#[derive(Clone, Debug)]
pub struct Component {
    /// `database`.
    pub name: String,
    /// healthy, degraded or unhealthy.
    pub status: String,
    /// How long its check took, in milliseconds.
    pub latency_ms: f64,
}

const STATUSES: [&str; 3] = ["healthy", "degraded", "unhealthy"];

/// Parses an answer; the error lists everything that is wrong with it.
pub fn parse(body: &str) -> Result<HealthAnswer, Vec<String>> {
    let value: Value =
        serde_json::from_str(body).map_err(|error| vec![format!("no JSON ({error}): {body:?}")])?;
    let mut wrong = Vec::new();
    let status = status(&value, "the answer", &mut wrong);
    let version = text(&value, "version", "the answer", &mut wrong);
    let timestamp = text(&value, "timestamp", "the answer", &mut wrong);
    let timestamp = if let Ok(moment) = DateTime::parse_from_rfc3339(&timestamp) {
        moment.to_utc()
    } else {
        wrong.push(format!("timestamp {timestamp:?} is not RFC 3339"));
        DateTime::UNIX_EPOCH
    };
    let components = if let Some(list) = value.get("components").and_then(Value::as_array) {
        list.iter().map(|it| component(it, &mut wrong)).collect()
    } else {
        wrong.push("components is no list".to_owned());
        Vec::new()
    };
    let answer = HealthAnswer {
        status,
        version,
        timestamp,
        components,
    };
    if wrong.is_empty() {
        Ok(answer)
    } else {
        Err(wrong)
    }
}

fn text(value: &Value, name: &str, of: &str, wrong: &mut Vec<String>) -> String {
    match value.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => {
            wrong.push(format!("{name} of {of} is no string: {other}"));
            String::new()
        }
        None => {
            wrong.push(format!("{of} has no {name}"));
            String::new()
        }
    }
}

fn status(value: &Value, of: &str, wrong: &mut Vec<String>) -> String {
    let status = text(value, "status", of, wrong);
    if !STATUSES.contains(&status.as_str()) && !status.is_empty() {
        wrong.push(format!(
            "status of {of} is {status:?}, none of {}",
            STATUSES.join(", ")
        ));
    }
    status
}

fn component(value: &Value, wrong: &mut Vec<String>) -> Component {
    let name = text(value, "name", "a component", wrong);
    let of = format!("component {name:?}");
    let status = status(value, &of, wrong);
    let latency_ms = value
        .get("latency_ms")
        .and_then(Value::as_f64)
        .unwrap_or_else(|| {
            wrong.push(format!(
                "latency_ms of {of} is no number: {:?}",
                value.get("latency_ms")
            ));
            0.0
        });
    if latency_ms < 0.0 {
        wrong.push(format!("latency_ms of {of} is negative: {latency_ms}"));
    }
    // A null is what some libraries write for a member that is not there.
    let error = value.get("error").filter(|it| !it.is_null());
    match (status.as_str(), error) {
        ("healthy", Some(error)) => {
            wrong.push(format!("{of} is healthy and has an error: {error}"));
        }
        ("degraded" | "unhealthy", None) => {
            wrong.push(format!("{of} is {status} and has no error"));
        }
        ("degraded" | "unhealthy", Some(error)) if error.as_str().is_none_or(str::is_empty) => {
            wrong.push(format!("the error of {of} says nothing: {error}"));
        }
        _ => {}
    }
    Component {
        name,
        status,
        latency_ms,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"status":"degraded","version":"1","timestamp":"2024-05-01T10:00:00Z","components":[
        {"name":"database","status":"healthy","latency_ms":0.4},
        {"name":"redis","status":"degraded","latency_ms":12,"error":"refused"}]}"#;

    #[track_caller]
    fn bad(from: &str, to: &str, why: &str) {
        let wrong = parse(&GOOD.replace(from, to))
            .expect_err("it is wrong")
            .join("; ");
        assert!(wrong.contains(why), "{wrong:?} lacks {why:?}");
    }

    #[test]
    fn a_complete_answer_is_read() {
        let answer = parse(GOOD).expect("complete");
        assert_eq!(answer.components.len(), 2);
        assert_eq!(answer.components[1].status, "degraded");
    }

    #[test]
    fn what_is_missing_or_wrong_is_told() {
        bad("\"version\":\"1\",", "", "no version");
        bad("2024-05-01T10:00:00Z", "1714557600", "not RFC 3339");
        bad(
            "\"degraded\",\"version\"",
            "\"DOWN\",\"version\"",
            "\"DOWN\"",
        );
        bad(",\"error\":\"refused\"", "", "has no error");
        bad(
            "\"latency_ms\":0.4",
            "\"latency_ms\":0.4,\"error\":\"none\"",
            "is healthy and has an error",
        );
        bad("0.4", "\"0.4ms\"", "no number");
        bad("[", "{\"x\":[", "no JSON");
    }

    #[test]
    fn a_null_is_no_error() {
        assert!(parse(&GOOD.replace("0.4", "0.4,\"error\":null")).is_ok());
    }
}
