//! The query API of Jaeger, version 3: what it holds of a trace, which services and operations it lists.

use std::collections::BTreeSet;

use serde_json::Value;

use super::probes;

/// A client of one server.
#[derive(Clone, Debug)]
pub struct JaegerQuery(String);

impl JaegerQuery {
    /// A client of the server with this URL, without a slash at its end.
    pub fn new(url: &str) -> Self {
        Self(url.to_owned())
    }

    /// The ids and names of the spans of a trace; none of an unknown trace.
    pub async fn spans(&self, trace: &str) -> Result<BTreeSet<(String, String)>, String> {
        let answer = self.get(&format!("/api/v3/traces/{trace}")).await?;
        let mut spans = BTreeSet::new();
        add_spans(&answer, &mut spans);
        Ok(spans)
    }

    /// The names of all services.
    pub async fn services(&self) -> Result<BTreeSet<String>, String> {
        let answer = self.get("/api/v3/services").await?;
        Ok(texts(&answer["services"]))
    }

    /// The names of the operations of a service.
    pub async fn operations(&self, service: &str) -> Result<BTreeSet<String>, String> {
        let answer = self
            .get(&format!("/api/v3/operations?service={service}"))
            .await?;
        let operations = answer["operations"].as_array().cloned().unwrap_or_default();
        let names = operations.iter().map(|it| it["name"].clone()).collect();
        Ok(texts(&Value::Array(names)))
    }

    async fn get(&self, path: &str) -> Result<Value, String> {
        let answer = probes::get(&format!("{}{path}", self.0)).await?;
        match answer.status {
            // Some versions answer it as text/plain.
            200 => serde_json::from_str(&answer.body).map_err(|error| error.to_string()),
            404 => Ok(Value::Null),
            status => Err(format!("{status} {}", answer.body)),
        }
    }
}

/// Adds the spans anywhere in OTLP's JSON.
fn add_spans(json: &Value, spans: &mut BTreeSet<(String, String)>) {
    match json {
        Value::Array(items) => items.iter().for_each(|item| add_spans(item, spans)),
        Value::Object(members) => {
            if let (Some(id), Some(name)) = (members.get("spanId"), members.get("name")) {
                let text = |it: &Value| it.as_str().unwrap_or_default().to_owned();
                spans.insert((text(id).to_ascii_lowercase(), text(name)));
            }
            members.values().for_each(|value| add_spans(value, spans));
        }
        _ => {}
    }
}

fn texts(list: &Value) -> BTreeSet<String> {
    let items = list.as_array().into_iter().flatten();
    items
        .filter_map(|item| item.as_str().map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn spans_are_found_at_any_depth() {
        let answer = json!({"result": {"resourceSpans": [{
            "resource": {"attributes": [{"key": "service.name"}]},
            "scopeSpans": [{"spans": [{"traceId": "01", "spanId": "0A", "name": "one", "links": []}]}],
        }]}});
        let mut spans = BTreeSet::new();
        add_spans(&answer, &mut spans);
        assert_eq!(spans, [("0a".to_owned(), "one".to_owned())].into());
    }
}
