//! USR: what a gateway does to users on their way.

use async_trait::async_trait;
use axum::http::Method;
use gateway::request_context::RequestContext;
use serde_json::{Map, Value};
use tonic::{Code, Status};
use user_proto::v1::{UpdateUserRequest, UpdateUserResponse};

use super::{calls, instead, reads, replaced};
use crate::calls::{CallFault, Inner, Layer, add_layer};
use crate::entry::Entry;
use crate::http::{objects, parameter, refused};

pub fn entries() -> Vec<Entry> {
    let mut all = texts();
    all.extend(answers());
    all.extend(lists());
    all
}

fn member<'a>(members: &'a Map<String, Value>, name: &str) -> &'a str {
    members
        .get(name)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn texts() -> Vec<Entry> {
    vec![
        calls(
            "gateway-one-entry",
            "USR-1",
            "metadata loses all but one entry",
            CallFault {
                create: |it| it.metadata = it.metadata.pop_first().into_iter().collect(),
                ..CallFault::default()
            },
        ),
        instead(
            "gateway-own-required",
            "USR-2",
            "what is required is refused in the gateway's own words",
            |head, body| {
                let members: Map<String, Value> = serde_json::from_slice(body).ok()?;
                (head.method == Method::POST && member(&members, "name").trim().is_empty())
                    .then(|| refused(head, 400, "Field validation failed on 'required'"))
            },
        ),
        instead(
            "gateway-own-email-pattern",
            "USR-3",
            "an email has a dot after its @",
            |head, body| {
                let members: Map<String, Value> = serde_json::from_slice(body).ok()?;
                let (_, host) = member(&members, "email").rsplit_once('@')?;
                (!host.contains('.')).then(|| refused(head, 400, "email is invalid"))
            },
        ),
        reads(
            "gateway-trims-names",
            "USR-4",
            "names are trimmed",
            |_, body| {
                objects(body, |object| {
                    let name = member(object, "name").trim().to_owned();
                    if !name.is_empty() {
                        object.insert("name".to_owned(), name.into());
                    }
                });
            },
        ),
        instead(
            "gateway-names-of-256-bytes",
            "USR-4",
            "a name has at most 256 bytes",
            |head, body| {
                let members: Map<String, Value> = serde_json::from_slice(body).ok()?;
                (member(&members, "name").len() > 256)
                    .then(|| refused(head, 400, "name is invalid"))
            },
        ),
        calls(
            "gateway-cuts-values",
            "USR-5",
            "values of metadata are cut after 255 characters",
            CallFault {
                create: |request| {
                    for value in request.metadata.values_mut() {
                        *value = value.chars().take(255).collect();
                    }
                },
                ..CallFault::default()
            },
        ),
        calls(
            "gateway-cuts-passwords",
            "USR-6",
            "passwords are cut after 72 characters",
            CallFault {
                create: |it| it.password = it.password.chars().take(72).collect(),
                ..CallFault::default()
            },
        ),
        instead(
            "gateway-firewall",
            "USR-17",
            "what looks like SQL is refused",
            |head, body| {
                let text = String::from_utf8_lossy(body).to_uppercase();
                let is_refused = ["DROP TABLE", "' OR ", "--"]
                    .iter()
                    .any(|it| text.contains(it));
                is_refused.then(|| refused(head, 403, "forbidden"))
            },
        ),
    ]
}

fn answers() -> Vec<Entry> {
    vec![
        calls(
            "gateway-taken-is-400",
            "USR-7",
            "a taken email is a bad request",
            CallFault {
                status: |status| match status.code() {
                    Code::AlreadyExists => Status::invalid_argument(status.message()),
                    _ => status,
                },
                ..CallFault::default()
            },
        ),
        instead(
            "gateway-own-id-pattern",
            "USR-8",
            "an id that is no UUID is a bad request",
            |head, _| {
                let id = head.uri.path().strip_prefix("/api/v1/users/")?;
                (id.len() != 36).then(|| refused(head, 400, "id is invalid"))
            },
        ),
        calls(
            "gateway-status-for-good",
            "USR-9",
            "an update makes the user ACTIVE",
            CallFault {
                update: |request| {
                    request.status.get_or_insert(1);
                },
                ..CallFault::default()
            },
        ),
        replaced(
            "gateway-field-by-field",
            "USR-10",
            "an update is a call for each of its fields",
            |it| add_layer(it, FieldByField),
        ),
    ]
}

fn lists() -> Vec<Entry> {
    vec![
        calls(
            "gateway-pages-of-10",
            "USR-12",
            "without a page_size a page has 10 users",
            CallFault {
                list: |request| {
                    if request.page_size <= 0 {
                        request.page_size = 10;
                    }
                },
                ..CallFault::default()
            },
        ),
        calls(
            "gateway-order-ascending",
            "USR-13",
            "the direction of an order is lost",
            CallFault {
                list: |it| it.order_by = it.order_by.replace(" desc", ""),
                ..CallFault::default()
            },
        ),
        calls(
            "gateway-filter-unquoted",
            "USR-14",
            "quotes in a filter are lost",
            CallFault {
                list: |it| it.filter = it.filter.replace('"', ""),
                ..CallFault::default()
            },
        ),
        calls(
            "gateway-tokens-cleaned",
            "USR-15",
            "a page token keeps letters and digits alone",
            CallFault {
                list: |it| it.page_token.retain(|it| it.is_ascii_alphanumeric()),
                ..CallFault::default()
            },
        ),
        calls(
            "gateway-loses-the-last",
            "USR-16",
            "the last user of a full page is lost",
            CallFault {
                page: |page| {
                    if !page.next_page_token.is_empty() {
                        page.users.pop();
                    }
                },
                ..CallFault::default()
            },
        ),
        instead(
            "gateway-first-page-alone",
            "USR-15",
            "a token is good for a page of the same size alone",
            |head, _| {
                let size = parameter(&head.uri, "page_size").unwrap_or_default();
                let has_token = parameter(&head.uri, "page_token").is_some();
                (has_token && size.is_empty()).then(|| refused(head, 400, "page_token is invalid"))
            },
        ),
    ]
}

/// Makes an update of many fields one by one.
struct FieldByField;

#[async_trait]
impl Layer for FieldByField {
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
