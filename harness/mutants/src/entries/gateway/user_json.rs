//! GWY-2: users and lists in JSON.

use axum::http::Method;
use serde_json::{Map, Value, json};

use super::{call_mutant, early_response_mutant, gateway_mutant, response_mutant};
use crate::gateway_calls::CallFault;
use crate::http;
use crate::mutant::Mutant;

const CLAUSE: &str = "GWY-2";

pub fn mutants() -> Vec<Mutant> {
    let mut all = users();
    all.extend(times());
    all.extend(lists());
    all
}

/// A mutant that changes the users in responses.
fn user_json_mutant(
    id: &'static str,
    wrong: &'static str,
    change: fn(&mut Map<String, Value>),
) -> Mutant {
    gateway_mutant(id, CLAUSE, wrong, move |dependencies| {
        http::change_responses(&mut dependencies.wrap_http, move |response| {
            response.change_users(change);
        });
    })
}

fn users() -> Vec<Mutant> {
    vec![
        user_json_mutant(
            "shows-status-number",
            "a status is shown as a number",
            |user| {
                let number = match user["status"].as_str() {
                    Some("USER_STATUS_ACTIVE") => 1,
                    Some("USER_STATUS_INACTIVE") => 2,
                    _ => 3,
                };
                user.insert("status".to_owned(), number.into());
            },
        ),
        user_json_mutant(
            "shows-status-short",
            "a status is shown without its prefix",
            |user| {
                let name = user["status"].as_str().unwrap_or_default();
                let name = name.trim_start_matches("USER_STATUS_").to_owned();
                user.insert("status".to_owned(), name.into());
            },
        ),
        user_json_mutant(
            "shows-only-active",
            "every status except ACTIVE is shown as INACTIVE",
            |user| {
                if user["status"] != "USER_STATUS_ACTIVE" {
                    user.insert("status".to_owned(), "USER_STATUS_INACTIVE".into());
                }
            },
        ),
        user_json_mutant(
            "shows-no-empty-metadata",
            "empty metadata is omitted",
            |user| {
                if user["metadata"] == json!({}) {
                    user.remove("metadata");
                }
            },
        ),
        user_json_mutant("shows-null-metadata", "empty metadata is null", |user| {
            if user["metadata"] == json!({}) {
                user.insert("metadata".to_owned(), Value::Null);
            }
        }),
        user_json_mutant(
            "shows-metadata-list",
            "metadata is a list of pairs",
            |user| {
                let entries = user["metadata"].as_object().into_iter().flatten();
                let list: Vec<Value> = entries
                    .map(|(key, value)| json!({"key": key, "value": value}))
                    .collect();
                user.insert("metadata".to_owned(), list.into());
            },
        ),
        user_json_mutant(
            "shows-camel-case",
            "the members of a user are in camel case",
            |user| {
                for (from, to) in [("created_at", "createdAt"), ("updated_at", "updatedAt")] {
                    let value = user.remove(from).unwrap_or_default();
                    user.insert(to.to_owned(), value);
                }
            },
        ),
        user_json_mutant("shows-html", "names are HTML-escaped", |user| {
            let name = user["name"].as_str().unwrap_or_default();
            let name = name.replace('<', "&lt;");
            user.insert("name".to_owned(), name.into());
        }),
        user_json_mutant(
            "shows-ascii",
            "non-ASCII characters in ids are lost",
            |user| {
                let id = user["id"].as_str().unwrap_or_default();
                let id: String = id
                    .chars()
                    .map(|it| if it.is_ascii() { it } else { '?' })
                    .collect();
                user.insert("id".to_owned(), id.into());
            },
        ),
        user_json_mutant(
            "shows-no-control",
            "control characters in names are removed",
            |user| {
                let name = user["name"].as_str().unwrap_or_default();
                let name: String = name.chars().filter(|it| !it.is_control()).collect();
                user.insert("name".to_owned(), name.into());
            },
        ),
        response_mutant(
            "shows-bare",
            CLAUSE,
            "a user is not wrapped in the member `user`",
            |response| {
                response.change_json(|body| {
                    if let Some(user) = body.get("user").cloned() {
                        *body = user;
                    }
                });
            },
        ),
        early_response_mutant(
            "shows-password",
            CLAUSE,
            "a create returns all members of its request, the password too",
            |head, body| {
                let sent: Value = serde_json::from_slice(body).ok()?;
                if head.method != Method::POST || !sent["password"].is_string() {
                    return None;
                }
                let mut user = json!({
                    "id": "1", "status": "USER_STATUS_ACTIVE", "metadata": {},
                    "created_at": "2026-01-01T00:00:00.000Z", "updated_at": "2026-01-01T00:00:00.000Z",
                });
                for (member, value) in sent.as_object()? {
                    user[member] = value.clone();
                }
                let mut response = http::error_response(head, 201, "");
                *response.body_mut() = json!({ "user": user }).to_string().into();
                Some(response)
            },
        ),
    ]
}

fn times() -> Vec<Mutant> {
    vec![call_mutant(
        "shows-created-as-updated",
        CLAUSE,
        "created_at is shown with the value of updated_at",
        CallFault {
            user: |user| user.created_at = user.updated_at,
            ..CallFault::default()
        },
    )]
}

/// The members of the response to a list; `None` for other responses.
fn list_members(body: &mut Value) -> Option<&mut Map<String, Value>> {
    body.as_object_mut().filter(|it| it.contains_key("users"))
}

fn lists() -> Vec<Mutant> {
    vec![
        response_mutant(
            "lists-bare",
            CLAUSE,
            "a list is a bare JSON array instead of an object",
            |response| {
                response.change_json(|body| {
                    if let Some(users) = body.get("users").cloned() {
                        *body = users;
                    }
                });
            },
        ),
        response_mutant(
            "lists-count-as-text",
            CLAUSE,
            "total_count is a string, like 64-bit numbers in Protobuf JSON",
            |response| {
                response.change_json(|body| {
                    if let Some(count) = body.get("total_count").cloned() {
                        body["total_count"] = count.to_string().into();
                    }
                });
            },
        ),
        call_mutant(
            "lists-count-of-page",
            CLAUSE,
            "total_count is the number of users on the page",
            CallFault {
                page: |page| page.total_count = i32::try_from(page.users.len()).unwrap_or(0),
                ..CallFault::default()
            },
        ),
        response_mutant(
            "lists-null-when-empty",
            CLAUSE,
            "`users` is null in an empty list",
            |response| {
                response.change_json(|body| {
                    if body["users"] == json!([]) {
                        body["users"] = Value::Null;
                    }
                });
            },
        ),
        response_mutant(
            "lists-nothing-that-is-empty",
            CLAUSE,
            "empty and zero members of a list are omitted",
            |response| {
                response.change_json(|body| {
                    if let Some(body) = list_members(body) {
                        body.retain(|_, value| {
                            *value != json!("") && *value != json!([]) && *value != 0
                        });
                    }
                });
            },
        ),
        response_mutant(
            "lists-camel-case",
            CLAUSE,
            "the members of a list are in camel case",
            |response| {
                response.change_json(|body| {
                    if let Some(body) = list_members(body) {
                        for (from, to) in [
                            ("next_page_token", "nextPageToken"),
                            ("total_count", "totalCount"),
                        ] {
                            let value = body.remove(from).unwrap_or_default();
                            body.insert(to.to_owned(), value);
                        }
                    }
                });
            },
        ),
        call_mutant(
            "lists-sorted",
            CLAUSE,
            "the users on a page are sorted by id",
            CallFault {
                page: |page| page.users.sort_by(|a, b| a.id.cmp(&b.id)),
                ..CallFault::default()
            },
        ),
        call_mutant(
            "lists-safe-token",
            CLAUSE,
            "characters of next_page_token that a URL would escape are replaced",
            CallFault {
                page: |page| {
                    page.next_page_token = page.next_page_token.replace(['+', '/', '=', ' '], "_");
                },
                ..CallFault::default()
            },
        ),
    ]
}
