//! The API as a document (GWY-9): routes and bodies come from the handlers, errors from the mapping of
//! statuses.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use platform::requests::client_closed_request;
use serde_json::{Map, Value, json};
use tonic::{Code, Status};
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;

use crate::api_error::{ApiError, ErrorBody};

/// Errors of the gateway itself: those of GWY-6, and a body that takes too long.
const OWN_ERRORS: [StatusCode; 6] = [
    StatusCode::BAD_REQUEST,
    StatusCode::NOT_FOUND,
    StatusCode::METHOD_NOT_ALLOWED,
    StatusCode::REQUEST_TIMEOUT,
    StatusCode::PAYLOAD_TOO_LARGE,
    StatusCode::SERVICE_UNAVAILABLE,
];

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Gateway",
        description = "Users over HTTP.",
        license(name = "MIT OR Apache-2.0")
    ),
    components(schemas(ErrorBody))
)]
struct Head;

/// The document without routes.
pub fn head() -> OpenApi {
    Head::openapi()
}

/// The whole document.
pub fn document() -> Value {
    let routes = super::documented().into_openapi();
    let mut document = serde_json::to_value(routes).expect("a document is JSON");
    let errors = errors();
    let paths = members(&mut document["paths"]);
    for operation in paths.flat_map(members) {
        let Some(responses) = operation["responses"].as_object_mut() else {
            continue;
        };
        responses.extend(errors.clone());
        for response in responses.values_mut() {
            response["headers"]["X-Request-Id"] = header("The request's id");
        }
    }
    document
}

fn members(object: &mut Value) -> impl Iterator<Item = &mut Value> {
    object.as_object_mut().into_iter().flat_map(Map::values_mut)
}

/// Every error, by its status.
fn errors() -> BTreeMap<String, Value> {
    (1..=16)
        .map(|code| ApiError::from(&Status::new(Code::from(code), "")).status)
        .chain(OWN_ERRORS)
        .map(|status| (status.as_u16().to_string(), error(status)))
        .collect()
}

fn error(status: StatusCode) -> Value {
    let description = if status == client_closed_request() {
        "Client Closed Request"
    } else {
        status.canonical_reason().unwrap_or("Error")
    };
    let headers = match status {
        StatusCode::METHOD_NOT_ALLOWED => json!({ "Allow": header("The route's methods") }),
        StatusCode::SERVICE_UNAVAILABLE => {
            json!({ "Retry-After": header("Seconds, while the circuit breaker is open") })
        }
        _ => json!({}),
    };
    json!({
        "description": description,
        "headers": headers,
        "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Error" } } },
    })
}

fn header(description: &str) -> Value {
    json!({ "description": description, "schema": { "type": "string" } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_operation(path: &str, method: &str, success: &str, schema: Option<&str>) {
        let document = document();
        let responses = &document["paths"][path][method]["responses"];
        let content = &responses[success]["content"]["application/json"]["schema"]["$ref"];
        let schema = schema.map(|name| format!("#/components/schemas/{name}"));
        assert!(
            responses[success].is_object(),
            "{method} {path}: {responses}"
        );
        assert_eq!(content.as_str(), schema.as_deref(), "{method} {path}");
        let mut errors = responses.as_object().expect("responses").clone();
        errors.remove(success);
        let codes: Vec<_> = errors.keys().map(String::as_str).collect();
        assert_eq!(
            codes,
            [
                "400", "401", "403", "404", "405", "408", "409", "412", "413", "429", "499", "500",
                "501", "503", "504"
            ]
        );
        for error in errors.values() {
            let schema = &error["content"]["application/json"]["schema"]["$ref"];
            assert_eq!(schema, "#/components/schemas/Error");
        }
    }

    #[test]
    fn every_route_is_listed_with_all_of_its_responses() {
        let one = "/api/v1/users/{id}";
        check_operation("/api/v1/users", "get", "200", Some("UsersResponse"));
        check_operation("/api/v1/users", "post", "201", Some("UserResponse"));
        check_operation(one, "get", "200", Some("UserResponse"));
        check_operation(one, "put", "200", Some("UserResponse"));
        check_operation(one, "delete", "204", None);
    }

    #[test]
    fn the_document_is_openapi_3_1_and_its_references_resolve() {
        let document = document();
        let version = document["openapi"].as_str().expect("a version");
        assert!(version.starts_with("3.1."), "{version}");
        let text = document.to_string();
        let references = text.split("\"#/components/schemas/").skip(1);
        for name in references.map(|rest| rest.split('"').next().expect("a name")) {
            assert!(
                document["components"]["schemas"][name].is_object(),
                "{name}"
            );
        }
    }
}
