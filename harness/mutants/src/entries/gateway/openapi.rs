//! GWY-9: the description.

use serde_json::{Value, json};

use super::{answers, replaced};
use crate::entry::Entry;

const CLAUSE: &str = "GWY-9";

pub fn entries() -> Vec<Entry> {
    let mut all = invalid();
    all.extend(routes());
    all.extend(answered());
    all
}

/// An entry with another description.
fn described(id: &'static str, wrong: &'static str, change: fn(&mut Value)) -> Entry {
    replaced(id, CLAUSE, wrong, move |it| change(&mut it.openapi))
}

/// Every operation of the description.
fn operations(document: &mut Value) -> impl Iterator<Item = &mut Value> {
    let paths = document["paths"].as_object_mut().into_iter();
    let items = paths.flat_map(|it| it.values_mut());
    let items = items.filter_map(Value::as_object_mut);
    items.flat_map(|it| it.values_mut())
}

fn responses(document: &mut Value, change: impl Fn(&mut serde_json::Map<String, Value>)) {
    operations(document)
        .filter_map(|it| it["responses"].as_object_mut())
        .for_each(change);
}

fn invalid() -> Vec<Entry> {
    vec![
        described("openapi-3-0", "it is of OpenAPI 3.0", |document| {
            document["openapi"] = "3.0.3".into();
        }),
        described("openapi-swagger", "it is of Swagger 2.0", |document| {
            document["openapi"].take();
            document["swagger"] = "2.0".into();
        }),
        described(
            "openapi-no-info",
            "it has no version of its own",
            |document| {
                document["info"]
                    .as_object_mut()
                    .map(|it| it.remove("version"));
            },
        ),
        described(
            "openapi-lost-reference",
            "a $ref leads nowhere",
            |document| {
                let schemas = document["components"]["schemas"].as_object_mut();
                schemas.map(|it| it.remove("UserStatus"));
            },
        ),
        described(
            "openapi-no-path-parameter",
            "the id is no parameter",
            |document| {
                for operation in operations(document) {
                    operation["parameters"] = json!([]);
                }
            },
        ),
        described(
            "openapi-no-descriptions",
            "responses have no description",
            |document| {
                responses(document, |responses| {
                    for response in responses.values_mut() {
                        response.as_object_mut().map(|it| it.remove("description"));
                    }
                });
            },
        ),
        described(
            "openapi-type-of-3-0",
            "a schema has a type that is none",
            |document| {
                document["components"]["schemas"]["User"]["type"] = "struct".into();
            },
        ),
        described(
            "openapi-no-responses",
            "an operation has no responses",
            |document| {
                responses(document, serde_json::Map::clear);
            },
        ),
        answers("openapi-as-yaml", CLAUSE, "it is YAML", |answer| {
            if answer.is_of("/openapi.json") {
                answer.text("application/yaml", "openapi: 3.1.0\n");
            }
        }),
        answers("openapi-elsewhere", CLAUSE, "it is not there", |answer| {
            if answer.is_of("/openapi.json") {
                answer.set(404);
                answer.text("application/json", "{\"error\":\"there is no such route\"}");
            }
        }),
    ]
}

fn routes() -> Vec<Entry> {
    const ONE: &str = "/api/v1/users/{id}";
    vec![
        described("openapi-no-route", "a route is missing", |document| {
            document["paths"].as_object_mut().map(|it| it.remove(ONE));
        }),
        described("openapi-no-method", "DELETE is missing", |document| {
            document["paths"][ONE]
                .as_object_mut()
                .map(|it| it.remove("delete"));
        }),
        described(
            "openapi-without-base",
            "its paths lack /api/v1",
            |document| {
                let Some(paths) = document["paths"].as_object_mut() else {
                    return;
                };
                *paths = std::mem::take(paths)
                    .into_iter()
                    .map(|(path, item)| (path.replace("/api/v1", ""), item))
                    .collect();
            },
        ),
    ]
}

/// Takes a status out of every operation.
fn without(document: &mut Value, status: &str) {
    responses(document, |responses| {
        responses.remove(status);
    });
}

fn answered() -> Vec<Entry> {
    vec![
        described("openapi-no-errors", "it describes no errors", |document| {
            responses(document, |it| {
                it.retain(|status, _| status.starts_with('2'))
            });
        }),
        described("openapi-no-400", "400 is missing", |it| without(it, "400")),
        described("openapi-no-409", "409 is missing", |it| without(it, "409")),
        described("openapi-no-413", "413 is missing", |it| without(it, "413")),
        described("openapi-no-499", "499 is missing", |it| without(it, "499")),
        described("openapi-no-501", "501 is missing", |it| without(it, "501")),
        described("openapi-no-503", "503 is missing", |it| without(it, "503")),
        described("openapi-no-504", "504 is missing", |it| without(it, "504")),
        described("openapi-create-200", "a create is 200", |document| {
            let responses = &mut document["paths"]["/api/v1/users"]["post"]["responses"];
            responses["200"] = responses["201"].clone();
            responses.as_object_mut().map(|it| it.remove("201"));
        }),
        described("openapi-delete-200", "a delete is 200", |document| {
            let responses = &mut document["paths"]["/api/v1/users/{id}"]["delete"]["responses"];
            responses["200"] = responses["204"].clone();
            responses.as_object_mut().map(|it| it.remove("204"));
        }),
        described(
            "openapi-error-code",
            "an error must have a code",
            |document| {
                document["components"]["schemas"]["Error"]["required"] = json!(["error", "code"]);
            },
        ),
        described(
            "openapi-status-number",
            "a status is a number",
            |document| {
                document["components"]["schemas"]["UserStatus"] = json!({ "type": "integer" });
            },
        ),
        described(
            "openapi-status-names",
            "a status is not one of its names",
            |document| {
                let names = json!(["ACTIVE", "INACTIVE", "SUSPENDED"]);
                document["components"]["schemas"]["UserStatus"]["enum"] = names;
            },
        ),
        described("openapi-no-suspended", "no user is SUSPENDED", |document| {
            let names = json!(["USER_STATUS_ACTIVE", "USER_STATUS_INACTIVE"]);
            document["components"]["schemas"]["UserStatus"]["enum"] = names;
        }),
        described("openapi-time-number", "a time is a number", |document| {
            let user = &mut document["components"]["schemas"]["User"]["properties"];
            user["created_at"] = json!({ "type": "integer" });
        }),
        described(
            "openapi-closed-user",
            "a user has no metadata",
            |document| {
                let user = &mut document["components"]["schemas"]["User"];
                user["properties"]
                    .as_object_mut()
                    .map(|it| it.remove("metadata"));
                user["additionalProperties"] = false.into();
            },
        ),
        described("openapi-count-text", "total_count is text", |document| {
            let page = &mut document["components"]["schemas"]["UsersResponse"]["properties"];
            page["total_count"] = json!({ "type": "string" });
        }),
        described("openapi-plain-text", "answers are text/plain", |document| {
            responses(document, |responses| {
                for response in responses.values_mut() {
                    if let Some(content) = response["content"].as_object_mut()
                        && let Some(media) = content.remove("application/json")
                    {
                        content.insert("text/plain".to_owned(), media);
                    }
                }
            });
        }),
        described(
            "openapi-header-required",
            "every answer has an ETag",
            |document| {
                responses(document, |responses| {
                    for response in responses.values_mut() {
                        response["headers"]["ETag"] = json!({ "required": true, "schema": {} });
                    }
                });
            },
        ),
    ]
}
