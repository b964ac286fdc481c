//! USR-1 to USR-17: users that the gateway changes or refuses.

use async_trait::async_trait;
use axum::http::Method;
use gateway::request_context::RequestContext;
use serde_json::{Map, Value};
use tonic::{Code, Status};
use user_proto::v1::{UpdateUserRequest, UpdateUserResponse};

use super::{call_mutant, early_response_mutant, gateway_mutant, request_body_mutant};
use crate::gateway_calls::{CallFault, CallLayer, Inner, wrap_calls};
use crate::http::{change_json_object, error_response, query_parameter};
use crate::mutant::Mutant;

pub fn mutants() -> Vec<Mutant> {
    let mut all = texts();
    all.extend(single_users());
    all.extend(lists());
    all
}

/// A text member of a JSON object; empty if it is missing.
fn text_member<'a>(members: &'a Map<String, Value>, name: &str) -> &'a str {
    members
        .get(name)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn texts() -> Vec<Mutant> {
    vec![
        call_mutant(
            "gateway-one-entry",
            "USR-1",
            "only one entry of metadata is passed on",
            CallFault {
                create: |it| it.metadata = it.metadata.pop_first().into_iter().collect(),
                ..CallFault::default()
            },
        ),
        early_response_mutant(
            "gateway-own-required",
            "USR-2",
            "a missing name is refused with the gateway's own message",
            |head, body| {
                let members: Map<String, Value> = serde_json::from_slice(body).ok()?;
                (head.method == Method::POST && text_member(&members, "name").trim().is_empty())
                    .then(|| error_response(head, 400, "Field validation failed on 'required'"))
            },
        ),
        early_response_mutant(
            "gateway-own-email-pattern",
            "USR-3",
            "an email without a dot after the @ is refused",
            |head, body| {
                let members: Map<String, Value> = serde_json::from_slice(body).ok()?;
                let (_, host) = text_member(&members, "email").rsplit_once('@')?;
                (!host.contains('.')).then(|| error_response(head, 400, "email is invalid"))
            },
        ),
        request_body_mutant(
            "gateway-trims-names",
            "USR-4",
            "names are trimmed",
            |_, body| {
                change_json_object(body, |object| {
                    let name = text_member(object, "name").trim().to_owned();
                    if !name.is_empty() {
                        object.insert("name".to_owned(), name.into());
                    }
                });
            },
        ),
        early_response_mutant(
            "gateway-names-of-256-bytes",
            "USR-4",
            "a name of more than 256 bytes is refused",
            |head, body| {
                let members: Map<String, Value> = serde_json::from_slice(body).ok()?;
                (text_member(&members, "name").len() > 256)
                    .then(|| error_response(head, 400, "name is invalid"))
            },
        ),
        call_mutant(
            "gateway-cuts-values",
            "USR-5",
            "metadata values are truncated to 255 characters",
            CallFault {
                create: |request| {
                    for value in request.metadata.values_mut() {
                        *value = value.chars().take(255).collect();
                    }
                },
                ..CallFault::default()
            },
        ),
        call_mutant(
            "gateway-cuts-passwords",
            "USR-6",
            "passwords are truncated to 72 characters",
            CallFault {
                create: |it| it.password = it.password.chars().take(72).collect(),
                ..CallFault::default()
            },
        ),
        early_response_mutant(
            "gateway-firewall",
            "USR-17",
            "a body that looks like SQL is refused",
            |head, body| {
                let text = String::from_utf8_lossy(body).to_uppercase();
                let is_refused = ["DROP TABLE", "' OR ", "--"]
                    .iter()
                    .any(|it| text.contains(it));
                is_refused.then(|| error_response(head, 403, "forbidden"))
            },
        ),
    ]
}

fn single_users() -> Vec<Mutant> {
    vec![
        call_mutant(
            "gateway-taken-is-400",
            "USR-7",
            "a taken email is 400",
            CallFault {
                status: |status| match status.code() {
                    Code::AlreadyExists => Status::invalid_argument(status.message()),
                    _ => status,
                },
                ..CallFault::default()
            },
        ),
        early_response_mutant(
            "gateway-own-id-pattern",
            "USR-8",
            "an id that is not as long as a UUID is 400",
            |head, _| {
                let id = head.uri.path().strip_prefix("/api/v1/users/")?;
                (id.len() != 36).then(|| error_response(head, 400, "id is invalid"))
            },
        ),
        call_mutant(
            "gateway-status-forever",
            "USR-9",
            "an update without a status makes the user ACTIVE",
            CallFault {
                update: |request| {
                    request.status.get_or_insert(1);
                },
                ..CallFault::default()
            },
        ),
        gateway_mutant(
            "gateway-field-by-field",
            "USR-10",
            "an update becomes one call for each field",
            |it| wrap_calls(it, UpdatesFieldByField),
        ),
    ]
}

fn lists() -> Vec<Mutant> {
    vec![
        call_mutant(
            "gateway-pages-of-10",
            "USR-12",
            "the default page_size is 10",
            CallFault {
                list: |request| {
                    if request.page_size <= 0 {
                        request.page_size = 10;
                    }
                },
                ..CallFault::default()
            },
        ),
        call_mutant(
            "gateway-order-ascending",
            "USR-13",
            "the direction in order_by is not passed on",
            CallFault {
                list: |it| it.order_by = it.order_by.replace(" desc", ""),
                ..CallFault::default()
            },
        ),
        call_mutant(
            "gateway-filter-unquoted",
            "USR-14",
            "quotes in a filter are removed",
            CallFault {
                list: |it| it.filter = it.filter.replace('"', ""),
                ..CallFault::default()
            },
        ),
        call_mutant(
            "gateway-tokens-cleaned",
            "USR-15",
            "characters other than letters and digits are removed from a page token",
            CallFault {
                list: |it| it.page_token.retain(|it| it.is_ascii_alphanumeric()),
                ..CallFault::default()
            },
        ),
        call_mutant(
            "gateway-loses-the-last",
            "USR-16",
            "a page with a next_page_token loses its last user",
            CallFault {
                page: |page| {
                    if !page.next_page_token.is_empty() {
                        page.users.pop();
                    }
                },
                ..CallFault::default()
            },
        ),
        early_response_mutant(
            "gateway-first-page-alone",
            "USR-15",
            "a page token without a page_size is refused",
            |head, _| {
                let size = query_parameter(&head.uri, "page_size").unwrap_or_default();
                let has_token = query_parameter(&head.uri, "page_token").is_some();
                (has_token && size.is_empty())
                    .then(|| error_response(head, 400, "page_token is invalid"))
            },
        ),
    ]
}

/// Splits an update into one call for each field.
struct UpdatesFieldByField;

#[async_trait]
impl CallLayer for UpdatesFieldByField {
    async fn update(
        &self,
        inner: &Inner,
        context: &RequestContext,
        request: UpdateUserRequest,
    ) -> Result<UpdateUserResponse, Status> {
        let name = UpdateUserRequest {
            id: request.id.clone(),
            name: request.name,
            ..UpdateUserRequest::default()
        };
        inner.update_user(context, name).await?;
        let status = UpdateUserRequest {
            id: request.id.clone(),
            status: request.status,
            ..UpdateUserRequest::default()
        };
        inner.update_user(context, status).await?;
        let rest = UpdateUserRequest {
            name: None,
            status: None,
            ..request
        };
        inner.update_user(context, rest).await
    }
}
