//! Whether an answer to `/health` is complete, and its content (HLT-2).

use chrono::{DateTime, Utc};
use serde_json::Value;

/// A health answer that has everything that HLT-2 requires.
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

impl HealthAnswer {
    /// What is wrong where the named components must have this status, and the others, if they are judged, be healthy.
    pub fn wrong_statuses(&self, named: &[&str], status: &str, judge_others: bool) -> Vec<String> {
        let mut wrong = Vec::new();
        for component in &self.components {
            let is_named = named.contains(&component.name.as_str());
            let wanted = if is_named { status } else { "healthy" };
            if component.status != wanted && (is_named || judge_others) {
                wrong.push(format!(
                    "{} is {} instead of {wanted}",
                    component.name, component.status
                ));
            }
        }
        let is_listed = |name: &&&str| self.component(name).is_some();
        let missing = named.iter().filter(|name| !is_listed(name));
        wrong.extend(missing.map(|name| format!("{name} is not listed")));
        wrong
    }

    /// How long the check of a component took; it must have found it healthy within `most` milliseconds.
    pub fn healthy_latency(&self, name: &str, most: f64) -> Result<f64, String> {
        let component = self.component(name);
        let component = component.ok_or_else(|| format!("{name} is not listed"))?;
        if component.status != "healthy" || component.latency_ms > most {
            return Err(format!(
                "{name} is {} after {} ms",
                component.status, component.latency_ms
            ));
        }
        Ok(component.latency_ms)
    }

    fn component(&self, name: &str) -> Option<&Component> {
        self.components
            .iter()
            .find(|component| component.name == name)
    }
}

/// The bodies that hold one of the secrets, in any letter case.
pub fn revealing<'a>(bodies: &[&'a str], secrets: &[String]) -> Vec<&'a str> {
    let secrets: Vec<String> = secrets.iter().map(|secret| secret.to_lowercase()).collect();
    let reveals = |body: &&str| {
        let body = body.to_lowercase();
        secrets.iter().any(|secret| body.contains(secret))
    };
    bodies
        .iter()
        .copied()
        .filter(|body| reveals(body))
        .collect()
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
    fn what_is_missing_or_wrong_is_reported() {
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

    #[test]
    fn only_the_named_component_may_be_degraded() {
        let answer = parse(GOOD).expect("complete");
        let wrong =
            |named: &[&str], others| answer.wrong_statuses(named, "degraded", others).join("; ");
        assert_eq!(wrong(&["redis"], true), "");
        assert_eq!(
            wrong(&["database"], false),
            "database is healthy instead of degraded"
        );
        assert_eq!(wrong(&[], true), "redis is degraded instead of healthy");
        assert_eq!(wrong(&[], false), "");
        assert_eq!(wrong(&["queue", "redis"], true), "queue is not listed");
    }

    #[test]
    fn a_latency_counts_only_of_a_healthy_component() {
        let answer = parse(GOOD).expect("complete");
        assert_eq!(answer.healthy_latency("database", 1.0), Ok(0.4));
        for (name, most) in [("database", 0.3), ("redis", 100.0), ("queue", 100.0)] {
            assert!(answer.healthy_latency(name, most).is_err(), "{name}");
        }
    }

    #[test]
    fn a_secret_is_found_in_any_letter_case() {
        let secrets = ["Secret".to_owned(), "redis://".to_owned()];
        let bodies = ["fine", "the SECRET", "Redis://localhost"];
        assert_eq!(revealing(&bodies, &secrets), bodies[1..]);
    }
}
