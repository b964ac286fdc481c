//! GWY-2: users and lists as JSON.

use axum::http::Method;
use serde_json::{Map, Value, json};

use super::{answers, calls, instead, replaced};
use crate::calls::CallFault;
use crate::entry::Entry;
use crate::http;

const CLAUSE: &str = "GWY-2";

pub fn entries() -> Vec<Entry> {
    let mut all = users();
    all.extend(times());
    all.extend(lists());
    all
}

/// An entry that shows users otherwise.
fn shown(id: &'static str, wrong: &'static str, change: fn(&mut Map<String, Value>)) -> Entry {
    replaced(id, CLAUSE, wrong, move |dependencies| {
        http::answers(&mut dependencies.wrap_http, move |answer| {
            answer.each_user(change)
        });
    })
}

fn users() -> Vec<Entry> {
    vec![
        shown("shows-status-number", "a status is its number", |user| {
            let number = match user["status"].as_str() {
                Some("USER_STATUS_ACTIVE") => 1,
                Some("USER_STATUS_INACTIVE") => 2,
                _ => 3,
            };
            user.insert("status".to_owned(), number.into());
        }),
        shown(
            "shows-status-short",
            "a status has its short name",
            |user| {
                let name = user["status"].as_str().unwrap_or_default();
                let name = name.trim_start_matches("USER_STATUS_").to_owned();
                user.insert("status".to_owned(), name.into());
            },
        ),
        shown(
            "shows-only-active",
            "a status that is not ACTIVE is INACTIVE",
            |user| {
                if user["status"] != "USER_STATUS_ACTIVE" {
                    user.insert("status".to_owned(), "USER_STATUS_INACTIVE".into());
                }
            },
        ),
        shown(
            "shows-no-empty-metadata",
            "metadata is left out when it is empty",
            |user| {
                if user["metadata"] == json!({}) {
                    user.remove("metadata");
                }
            },
        ),
        shown(
            "shows-null-metadata",
            "metadata is null when it is empty",
            |user| {
                if user["metadata"] == json!({}) {
                    user.insert("metadata".to_owned(), Value::Null);
                }
            },
        ),
        shown("shows-metadata-list", "metadata is a list", |user| {
            let entries = user["metadata"].as_object().into_iter().flatten();
            let list: Vec<Value> = entries
                .map(|(key, value)| json!({"key": key, "value": value}))
                .collect();
            user.insert("metadata".to_owned(), list.into());
        }),
        shown("shows-camel-case", "members are in camel case", |user| {
            for (from, to) in [("created_at", "createdAt"), ("updated_at", "updatedAt")] {
                let value = user.remove(from).unwrap_or_default();
                user.insert(to.to_owned(), value);
            }
        }),
        shown("shows-html", "text is escaped for HTML", |user| {
            let name = user["name"].as_str().unwrap_or_default();
            let name = name.replace('<', "&lt;");
            user.insert("name".to_owned(), name.into());
        }),
        shown("shows-ascii", "text beyond ASCII is lost", |user| {
            let id = user["id"].as_str().unwrap_or_default();
            let id: String = id
                .chars()
                .map(|it| if it.is_ascii() { it } else { '?' })
                .collect();
            user.insert("id".to_owned(), id.into());
        }),
        shown(
            "shows-no-control",
            "control characters are left out",
            |user| {
                let name = user["name"].as_str().unwrap_or_default();
                let name: String = name.chars().filter(|it| !it.is_control()).collect();
                user.insert("name".to_owned(), name.into());
            },
        ),
        answers("shows-bare", CLAUSE, "a user stands by itself", |answer| {
            answer.json(|body| {
                if let Some(user) = body.get("user").cloned() {
                    *body = user;
                }
            });
        }),
        instead(
            "shows-password",
            CLAUSE,
            "a create shows what was sent",
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
                let mut answer = http::refused(head, 201, "");
                *answer.body_mut() = json!({ "user": user }).to_string().into();
                Some(answer)
            },
        ),
    ]
}

fn times() -> Vec<Entry> {
    vec![calls(
        "shows-created-as-updated",
        CLAUSE,
        "created_at is updated_at",
        CallFault {
            user: |user| user.created_at = user.updated_at,
            ..CallFault::default()
        },
    )]
}

/// The members of a list.
fn page(body: &mut Value) -> Option<&mut Map<String, Value>> {
    body.as_object_mut().filter(|it| it.contains_key("users"))
}

fn lists() -> Vec<Entry> {
    vec![
        answers("lists-bare", CLAUSE, "a list stands by itself", |answer| {
            answer.json(|body| {
                if let Some(users) = body.get("users").cloned() {
                    *body = users;
                }
            });
        }),
        answers(
            "lists-count-as-text",
            CLAUSE,
            "total_count is text, as of 64 bits",
            |answer| {
                answer.json(|body| {
                    if let Some(count) = body.get("total_count").cloned() {
                        body["total_count"] = count.to_string().into();
                    }
                });
            },
        ),
        calls(
            "lists-count-of-page",
            CLAUSE,
            "total_count is the number of users shown",
            CallFault {
                page: |page| page.total_count = i32::try_from(page.users.len()).unwrap_or(0),
                ..CallFault::default()
            },
        ),
        answers(
            "lists-null-when-empty",
            CLAUSE,
            "users is null when there are none",
            |answer| {
                answer.json(|body| {
                    if body["users"] == json!([]) {
                        body["users"] = Value::Null;
                    }
                });
            },
        ),
        answers(
            "lists-nothing-that-is-empty",
            CLAUSE,
            "what is empty or zero is left out",
            |answer| {
                answer.json(|body| {
                    if let Some(body) = page(body) {
                        body.retain(|_, it| *it != json!("") && *it != json!([]) && *it != 0);
                    }
                });
            },
        ),
        answers(
            "lists-camel-case",
            CLAUSE,
            "the members of a list are in camel case",
            |answer| {
                answer.json(|body| {
                    if let Some(body) = page(body) {
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
        calls(
            "lists-sorted",
            CLAUSE,
            "a list is sorted by id",
            CallFault {
                page: |page| page.users.sort_by(|a, b| a.id.cmp(&b.id)),
                ..CallFault::default()
            },
        ),
        calls(
            "lists-safe-token",
            CLAUSE,
            "next_page_token has lost what a URL would escape",
            CallFault {
                page: |page| {
                    page.next_page_token = page.next_page_token.replace(['+', '/', '=', ' '], "_");
                },
                ..CallFault::default()
            },
        ),
    ]
}
