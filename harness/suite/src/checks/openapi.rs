//! Whether an OpenAPI 3.1 description is valid, and whether answers conform to it (GWY-9).
//!
//! Schemas are JSON Schema 2020-12 and are left to a library. The frame around them must fit the schema that the
//! OpenAPI Initiative publishes for it (`openapi/3.1.schema.json`, dated 2022-10-07, under the Apache License 2.0);
//! what that cannot say of references and paths is read here, as OpenAPI 3.1.1 has it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::http_answer::HttpAnswer;

/// The methods that a path item may have (section 4.8.9).
const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

/// <https://spec.openapis.org/oas/3.1/schema/2022-10-07>
static FRAME: LazyLock<Validator> = LazyLock::new(|| {
    let schema = include_str!("openapi/3.1.schema.json");
    let schema = serde_json::from_str(schema).expect("the published schema is JSON");
    jsonschema::validator_for(&schema).expect("the published schema is a schema")
});

/// How many deviations from the published schema are shown.
const SHOWN: usize = 5;

/// A description that was found valid.
#[derive(Clone, Debug)]
pub struct ApiDescription {
    document: Value,
    /// The prefix of every path.
    base: String,
    /// Cache of compiled schemas, by their JSON text: most answers are checked against the same few.
    validators: Arc<Mutex<HashMap<String, Compiled>>>,
}

type Compiled = Result<Arc<Validator>, String>;

impl ApiDescription {
    /// Reads a description; the error lists all its faults.
    pub fn read(document: Value) -> Result<Self, Vec<String>> {
        let base = document.pointer("/servers/0/url").and_then(Value::as_str);
        let base = base.map_or("", path_of).trim_end_matches('/').to_owned();
        let found = Self {
            document,
            base,
            validators: Arc::default(),
        };
        let wrong = found.faults();
        if wrong.is_empty() {
            Ok(found)
        } else {
            Err(wrong)
        }
    }

    /// The methods of every path, whose parameters are `{}`.
    pub fn routes(&self) -> BTreeMap<String, BTreeSet<String>> {
        let operations = self.operations();
        let mut routes = BTreeMap::<String, BTreeSet<String>>::new();
        for (path, method, _) in operations {
            let methods = routes.entry(self.route(path)).or_default();
            methods.insert(method.to_uppercase());
        }
        routes
    }

    /// Whether an answer of a route (`/api/v1/users/{}`) conforms, or why not.
    pub fn conforms(&self, method: &str, route: &str, answer: &HttpAnswer) -> Result<(), String> {
        let fault = |what: &str| format!("{method} {route} {}: {what}", answer.status);
        let operations = self.operations();
        let mut operations = operations.into_iter();
        let operation = operations
            .find(|it| it.1.eq_ignore_ascii_case(method) && self.route(it.0) == route)
            .ok_or_else(|| fault("no such operation is described"))?;
        let responses = operation.2.get("responses").and_then(Value::as_object);
        let response = responses
            .and_then(|it| response(it, answer.status))
            .ok_or_else(|| fault("no such status is described"))?;
        let response = self.resolved(response).map_err(|it| fault(&it))?;
        self.headers_are_there(response, answer)
            .and_then(|()| self.body_fits(response, answer))
            .map_err(|it| fault(&it))
    }

    fn route(&self, path: &str) -> String {
        let parts = path.split('/').map(|part| {
            if part.starts_with('{') && part.ends_with('}') {
                "{}"
            } else {
                part
            }
        });
        format!("{}{}", self.base, parts.collect::<Vec<_>>().join("/"))
    }

    /// Path, method and operation of each.
    fn operations(&self) -> Vec<(&str, &str, &Map<String, Value>)> {
        let paths = self.document.get("paths").and_then(Value::as_object);
        let items = paths.into_iter().flatten();
        let items = items.filter_map(|(path, item)| Some((path, self.resolved(item).ok()?)));
        items
            .flat_map(|(path, item)| {
                let methods = METHODS.into_iter();
                methods.filter_map(move |method| {
                    Some((path.as_str(), method, item.get(method)?.as_object()?))
                })
            })
            .collect()
    }

    /// The target of a reference; any other value is itself.
    fn resolved<'a>(&'a self, value: &'a Value) -> Result<&'a Value, String> {
        let Some(reference) = value.get("$ref").and_then(Value::as_str) else {
            return Ok(value);
        };
        let pointer = reference.strip_prefix('#').unwrap_or_default();
        let found = self.document.pointer(pointer);
        found.ok_or_else(|| format!("{reference:?} has no target"))
    }

    fn faults(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let document = &self.document;
        let version = document.get("openapi").and_then(Value::as_str);
        if !version.is_some_and(|it| it.starts_with("3.1.")) {
            wrong.push(format!("`openapi` is {version:?} instead of 3.1.x"));
        }
        let errors = FRAME.iter_errors(document).take(SHOWN);
        wrong.extend(errors.map(|it| format!("{it} at {:?}", it.instance_path().to_string())));
        let operations = self.operations();
        if operations.is_empty() {
            wrong.push("it describes no operation".to_owned());
        }
        for (path, method, operation) in operations {
            let faults = self.operation_faults(path, operation);
            wrong.extend(
                faults
                    .into_iter()
                    .map(|it| format!("{method} {path}: {it}")),
            );
        }
        let schemas = document.pointer("/components/schemas");
        for (name, schema) in schemas.and_then(Value::as_object).into_iter().flatten() {
            if let Err(error) = self.validator(schema) {
                wrong.push(format!("schema {name}: {error}"));
            }
        }
        wrong
    }

    fn operation_faults(&self, path: &str, operation: &Map<String, Value>) -> Vec<String> {
        let mut wrong = Vec::new();
        if !path.starts_with('/') {
            wrong.push("the path does not begin with a slash".to_owned());
        }
        let declared = self.parameters(path, operation);
        let used = path.split('/').filter_map(|segment| {
            let name = segment.strip_prefix('{')?.strip_suffix('}')?;
            Some(name.to_owned())
        });
        let missing = used.filter(|it| !declared.contains(it));
        wrong.extend(missing.map(|it| format!("the path's {{{it}}} is no required parameter")));
        let responses = operation.get("responses").and_then(Value::as_object);
        let Some(responses) = responses.filter(|it| !it.is_empty()) else {
            wrong.push("it has no responses".to_owned());
            return wrong;
        };
        for (status, response) in responses {
            let found = self.resolved(response);
            match found {
                Ok(it) if it.get("description").is_some_and(Value::is_string) => {
                    let faults = self.content_faults(it);
                    wrong.extend(faults.map(|it| format!("response {status}: {it}")));
                }
                Ok(_) => wrong.push(format!("response {status} has no description")),
                Err(error) => wrong.push(format!("response {status}: {error}")),
            }
        }
        wrong
    }

    /// The path parameters that are declared and required, of the operation and of its path.
    fn parameters(&self, path: &str, operation: &Map<String, Value>) -> BTreeSet<String> {
        let shared = &self.document["paths"][path]["parameters"];
        let lists = [operation.get("parameters"), Some(shared)];
        let all = lists.into_iter().flatten().filter_map(Value::as_array);
        let all = all.flatten().filter_map(|it| self.resolved(it).ok());
        all.filter(|it| it["in"] == "path" && it["required"] == true)
            .filter_map(|it| it["name"].as_str().map(str::to_owned))
            .collect()
    }

    fn content_faults<'a>(&'a self, response: &'a Value) -> impl Iterator<Item = String> + 'a {
        let content = response.get("content").and_then(Value::as_object);
        let schemas = content.into_iter().flatten();
        schemas.filter_map(|(_, media)| self.validator(media.get("schema")?).err())
    }

    /// Compiles a schema with everything that it may refer to.
    fn validator(&self, schema: &Value) -> Compiled {
        let known = &mut *self
            .validators
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let compiled = known.entry(schema.to_string()).or_insert_with(|| {
            let whole = json!({
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "components": self.document["components"],
                "paths": self.document["paths"],
                "allOf": [schema],
            });
            let compiled = jsonschema::validator_for(&whole);
            compiled.map(Arc::new).map_err(|error| error.to_string())
        });
        compiled.clone()
    }

    fn headers_are_there(&self, response: &Value, answer: &HttpAnswer) -> Result<(), String> {
        let headers = response.get("headers").and_then(Value::as_object);
        for (name, header) in headers.into_iter().flatten() {
            let header = self.resolved(header)?;
            if header["required"] == true && !answer.headers.contains_key(name.as_str()) {
                return Err(format!("the required header {name} is missing"));
            }
        }
        Ok(())
    }

    fn body_fits(&self, response: &Value, answer: &HttpAnswer) -> Result<(), String> {
        let content = response.get("content").and_then(Value::as_object);
        let Some(content) = content.filter(|it| !it.is_empty()) else {
            return Ok(());
        };
        let content_type = answer.header("content-type");
        let content_type = content_type.split(';').next().unwrap_or_default().trim();
        let fits = |range: &str| {
            let range = range.split(';').next().unwrap_or_default().trim();
            let any = range.strip_suffix('*').unwrap_or(range);
            range == "*/*"
                || range.eq_ignore_ascii_case(content_type)
                || any != range && content_type.starts_with(any)
        };
        let media = content.iter().find(|(range, _)| fits(range));
        let media = media
            .ok_or_else(|| format!("{content_type:?} is no Content-Type described"))?
            .1;
        let Some(schema) = media.get("schema") else {
            return Ok(());
        };
        let body = serde_json::from_slice(&answer.body).map_err(|it| format!("no JSON: {it}"))?;
        let validator = self.validator(schema)?;
        let errors: Vec<String> = validator
            .iter_errors(&body)
            .map(|it| format!("{} at {:?}", it, it.instance_path().to_string()))
            .collect();
        if errors.is_empty() {
            Ok(())
        } else {
            Err(errors.join("; "))
        }
    }
}

/// The response for a status: its own, that of its range, or the default (section 4.8.16).
fn response(responses: &Map<String, Value>, status: u16) -> Option<&Value> {
    let range = format!("{}XX", status / 100);
    let own = responses.get(&status.to_string());
    own.or_else(|| responses.get(&range))
        .or_else(|| responses.get("default"))
}

/// The path of a URL that may be relative.
fn path_of(url: &str) -> &str {
    let Some((_, rest)) = url.split_once("://") else {
        return url;
    };
    rest.find('/').map_or("", |start| &rest[start..])
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn document() -> Value {
        json!({
            "openapi": "3.1.0",
            "info": {"title": "x", "version": "1"},
            "servers": [{"url": "http://localhost/api/v1"}],
            "paths": {"/users/{name}": {
                "parameters": [{"in": "path", "name": "name", "required": true, "schema": {"type": "string"}}],
                "get": {"responses": {
                    "200": {
                        "description": "the user",
                        "headers": {"X-Id": {"required": true, "schema": {"type": "string"}}},
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/User"}}},
                    },
                    "4XX": {"$ref": "#/components/responses/Error"},
                }},
            }},
            "components": {
                "schemas": {"User": {"type": "object", "required": ["id"], "properties": {"id": {"type": ["string", "null"]}}}},
                "responses": {"Error": {"description": "no", "content": {"application/json": {"schema": {"type": "object", "required": ["error"]}}}}},
            },
        })
    }

    fn answer(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> HttpAnswer {
        let headers = headers.iter().map(|(name, value)| {
            let value = http::HeaderValue::from_static(value);
            (http::HeaderName::from_static(name), value)
        });
        HttpAnswer {
            status,
            headers: headers.collect(),
            body: body.to_owned().into(),
            took: Duration::ZERO,
        }
    }

    const HEADERS: [(&str, &str); 2] = [("content-type", "application/json"), ("x-id", "1")];

    #[track_caller]
    fn check(
        status: u16,
        headers: &[(&'static str, &'static str)],
        body: &str,
        wrong: Option<&str>,
    ) {
        let description = ApiDescription::read(document()).expect("valid");
        let said = description.conforms("GET", "/api/v1/users/{}", &answer(status, headers, body));
        match (said, wrong) {
            (Ok(()), None) => {}
            (Err(said), Some(wrong)) => assert!(said.contains(wrong), "{said}"),
            (said, _) => panic!("{status} {body}: {said:?}"),
        }
    }

    #[test]
    fn answers_conform_in_status_headers_and_body() {
        check(200, &HEADERS, r#"{"id":"1"}"#, None);
        check(200, &HEADERS, r#"{"id":null}"#, None);
        check(404, &HEADERS, r#"{"error":"no"}"#, None);
        check(500, &HEADERS, r#"{"error":"no"}"#, Some("no such status"));
        check(200, &HEADERS, r#"{"id":1}"#, Some("/id"));
        check(200, &HEADERS, "{}", Some("id"));
        check(200, &HEADERS, "no", Some("no JSON"));
        check(200, &HEADERS[..1], r#"{"id":"1"}"#, Some("X-Id"));
        check(
            404,
            &[("content-type", "text/plain")],
            r#"{"error":"no"}"#,
            Some("text/plain"),
        );
    }

    #[test]
    fn routes_stand_behind_the_servers_path() {
        let routes = ApiDescription::read(document()).expect("valid").routes();
        let methods = routes.get("/api/v1/users/{}").expect("the route");
        assert_eq!(methods.iter().collect::<Vec<_>>(), ["GET"]);
    }

    #[track_caller]
    fn invalid(change: impl Fn(&mut Value), said: &str) {
        let mut document = document();
        change(&mut document);
        let wrong = ApiDescription::read(document).expect_err(said).join("; ");
        assert!(wrong.contains(said), "{wrong}");
    }

    #[test]
    fn each_kind_of_invalid_description_is_reported() {
        invalid(|it| it["openapi"] = "3.0.3".into(), "3.1.x");
        invalid(
            |it| it["info"] = json!({}),
            "\"title\" is a required property",
        );
        invalid(
            |it| it["paths"]["/users/{name}"]["get"]["tags"] = "users".into(),
            "/get/tags",
        );
        let no_schema = json!([{"in": "query", "name": "page_size"}]);
        invalid(
            |it| it["paths"]["/users/{name}"]["get"]["parameters"] = no_schema.clone(),
            "/get/parameters/0",
        );
        invalid(|it| it["paths"] = json!({}), "no operation");
        invalid(
            |it| it["components"]["responses"] = json!({}),
            "has no target",
        );
        invalid(
            |it| it["components"]["schemas"]["User"]["type"] = "text".into(),
            "schema User",
        );
        invalid(
            |it| it["paths"]["/users/{name}"]["parameters"] = json!([]),
            "{name}",
        );
        invalid(
            |it| it["components"]["responses"]["Error"] = json!({}),
            "no description",
        );
    }
}
