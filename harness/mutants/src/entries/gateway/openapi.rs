//! GWY-9: the OpenAPI document.

use serde_json::{Value, json};

use super::{gateway_mutant, response_mutant};
use crate::mutant::Mutant;

const CLAUSE: &str = "GWY-9";

pub fn mutants() -> Vec<Mutant> {
    let mut all = invalid();
    all.extend(routes());
    all.extend(schemas());
    all
}

/// A mutant with a changed OpenAPI document.
fn openapi_mutant(id: &'static str, wrong: &'static str, change: fn(&mut Value)) -> Mutant {
    gateway_mutant(id, CLAUSE, wrong, move |dependencies| {
        change(&mut dependencies.openapi);
    })
}

/// All operations of the OpenAPI document.
fn operations(document: &mut Value) -> impl Iterator<Item = &mut Value> {
    let paths = document["paths"].as_object_mut().into_iter();
    let items = paths.flat_map(|it| it.values_mut());
    let items = items.filter_map(Value::as_object_mut);
    items.flat_map(|it| it.values_mut())
}

/// Changes the responses of all operations.
fn change_operation_responses(
    document: &mut Value,
    change: impl Fn(&mut serde_json::Map<String, Value>),
) {
    operations(document)
        .filter_map(|it| it["responses"].as_object_mut())
        .for_each(change);
}

fn invalid() -> Vec<Mutant> {
    vec![
        openapi_mutant(
            "openapi-3-0",
            "the OpenAPI document is of version 3.0",
            |document| {
                document["openapi"] = "3.0.3".into();
            },
        ),
        openapi_mutant(
            "openapi-swagger",
            "the OpenAPI document is of Swagger 2.0",
            |document| {
                document["openapi"].take();
                document["swagger"] = "2.0".into();
            },
        ),
        openapi_mutant(
            "openapi-no-info",
            "the OpenAPI document has no info.version",
            |document| {
                document["info"]
                    .as_object_mut()
                    .map(|it| it.remove("version"));
            },
        ),
        openapi_mutant(
            "openapi-lost-reference",
            "a $ref points to a missing schema",
            |document| {
                let schemas = document["components"]["schemas"].as_object_mut();
                schemas.map(|it| it.remove("UserStatus"));
            },
        ),
        openapi_mutant(
            "openapi-no-path-parameter",
            "the OpenAPI document has no path parameter",
            |document| {
                for operation in operations(document) {
                    operation["parameters"] = json!([]);
                }
            },
        ),
        openapi_mutant(
            "openapi-no-descriptions",
            "responses in the OpenAPI document have no description",
            |document| {
                change_operation_responses(document, |responses| {
                    for response in responses.values_mut() {
                        response.as_object_mut().map(|it| it.remove("description"));
                    }
                });
            },
        ),
        openapi_mutant(
            "openapi-type-of-3-0",
            "a schema has an invalid type",
            |document| {
                document["components"]["schemas"]["User"]["type"] = "struct".into();
            },
        ),
        openapi_mutant(
            "openapi-no-responses",
            "operations in the OpenAPI document have no responses",
            |document| {
                change_operation_responses(document, serde_json::Map::clear);
            },
        ),
        response_mutant(
            "openapi-as-yaml",
            CLAUSE,
            "the OpenAPI document is YAML",
            |response| {
                if response.is_for_path("/openapi.json") {
                    response.set_body("application/yaml", "openapi: 3.1.0\n");
                }
            },
        ),
        response_mutant(
            "openapi-elsewhere",
            CLAUSE,
            "the OpenAPI document is missing",
            |response| {
                if response.is_for_path("/openapi.json") {
                    response.set_status(404);
                    response.set_body("application/json", "{\"error\":\"there is no such route\"}");
                }
            },
        ),
    ]
}

fn routes() -> Vec<Mutant> {
    const USER_PATH: &str = "/api/v1/users/{id}";
    vec![
        openapi_mutant(
            "openapi-no-route",
            "the OpenAPI document lacks a route",
            |document| {
                document["paths"]
                    .as_object_mut()
                    .map(|it| it.remove(USER_PATH));
            },
        ),
        openapi_mutant(
            "openapi-no-method",
            "the OpenAPI document lacks DELETE",
            |document| {
                document["paths"][USER_PATH]
                    .as_object_mut()
                    .map(|it| it.remove("delete"));
            },
        ),
        openapi_mutant(
            "openapi-without-base",
            "paths in the OpenAPI document lack /api/v1",
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

/// Removes a status from all operations.
fn remove_status(document: &mut Value, status: &str) {
    change_operation_responses(document, |responses| {
        responses.remove(status);
    });
}

fn schemas() -> Vec<Mutant> {
    vec![
        openapi_mutant(
            "openapi-no-errors",
            "the OpenAPI document has no error responses",
            |document| {
                change_operation_responses(document, |responses| {
                    responses.retain(|status, _| status.starts_with('2'));
                });
            },
        ),
        openapi_mutant(
            "openapi-no-400",
            "the OpenAPI document lacks status 400",
            |document| remove_status(document, "400"),
        ),
        openapi_mutant(
            "openapi-no-409",
            "the OpenAPI document lacks status 409",
            |document| remove_status(document, "409"),
        ),
        openapi_mutant(
            "openapi-no-413",
            "the OpenAPI document lacks status 413",
            |document| remove_status(document, "413"),
        ),
        openapi_mutant(
            "openapi-no-499",
            "the OpenAPI document lacks status 499",
            |document| remove_status(document, "499"),
        ),
        openapi_mutant(
            "openapi-no-501",
            "the OpenAPI document lacks status 501",
            |document| remove_status(document, "501"),
        ),
        openapi_mutant(
            "openapi-no-503",
            "the OpenAPI document lacks status 503",
            |document| remove_status(document, "503"),
        ),
        openapi_mutant(
            "openapi-no-504",
            "the OpenAPI document lacks status 504",
            |document| remove_status(document, "504"),
        ),
        openapi_mutant(
            "openapi-create-200",
            "the OpenAPI document has status 200 for a create",
            |document| {
                let responses = &mut document["paths"]["/api/v1/users"]["post"]["responses"];
                responses["200"] = responses["201"].clone();
                responses.as_object_mut().map(|it| it.remove("201"));
            },
        ),
        openapi_mutant(
            "openapi-delete-200",
            "the OpenAPI document has status 200 for a delete",
            |document| {
                let responses = &mut document["paths"]["/api/v1/users/{id}"]["delete"]["responses"];
                responses["200"] = responses["204"].clone();
                responses.as_object_mut().map(|it| it.remove("204"));
            },
        ),
        openapi_mutant(
            "openapi-error-code",
            "the OpenAPI document requires a `code` in errors",
            |document| {
                document["components"]["schemas"]["Error"]["required"] = json!(["error", "code"]);
            },
        ),
        openapi_mutant(
            "openapi-status-number",
            "the OpenAPI document describes a user's status as a number",
            |document| {
                document["components"]["schemas"]["UserStatus"] = json!({ "type": "integer" });
            },
        ),
        openapi_mutant(
            "openapi-status-names",
            "the OpenAPI document has short names of statuses",
            |document| {
                let names = json!(["ACTIVE", "INACTIVE", "SUSPENDED"]);
                document["components"]["schemas"]["UserStatus"]["enum"] = names;
            },
        ),
        openapi_mutant(
            "openapi-no-suspended",
            "the OpenAPI document lacks the status SUSPENDED",
            |document| {
                let names = json!(["USER_STATUS_ACTIVE", "USER_STATUS_INACTIVE"]);
                document["components"]["schemas"]["UserStatus"]["enum"] = names;
            },
        ),
        openapi_mutant(
            "openapi-time-number",
            "the OpenAPI document describes a timestamp as a number",
            |document| {
                let user = &mut document["components"]["schemas"]["User"]["properties"];
                user["created_at"] = json!({ "type": "integer" });
            },
        ),
        openapi_mutant(
            "openapi-closed-user",
            "the OpenAPI document describes users without metadata",
            |document| {
                let user = &mut document["components"]["schemas"]["User"];
                user["properties"]
                    .as_object_mut()
                    .map(|it| it.remove("metadata"));
                user["additionalProperties"] = false.into();
            },
        ),
        openapi_mutant(
            "openapi-count-text",
            "the OpenAPI document describes total_count as a string",
            |document| {
                let page = &mut document["components"]["schemas"]["UsersResponse"]["properties"];
                page["total_count"] = json!({ "type": "string" });
            },
        ),
        openapi_mutant(
            "openapi-plain-text",
            "the OpenAPI document describes responses as text/plain",
            |document| {
                change_operation_responses(document, |responses| {
                    for response in responses.values_mut() {
                        if let Some(content) = response["content"].as_object_mut()
                            && let Some(media) = content.remove("application/json")
                        {
                            content.insert("text/plain".to_owned(), media);
                        }
                    }
                });
            },
        ),
        openapi_mutant(
            "openapi-header-required",
            "the OpenAPI document requires an ETag in every response",
            |document| {
                change_operation_responses(document, |responses| {
                    for response in responses.values_mut() {
                        response["headers"]["ETag"] = json!({ "required": true, "schema": {} });
                    }
                });
            },
        ),
    ]
}
