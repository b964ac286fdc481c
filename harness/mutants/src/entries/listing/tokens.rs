//! USR-15: page tokens.

use std::collections::HashMap;
use std::sync::Mutex;

use async_trait::async_trait;
use user_service::filter::Filter;
use user_service::invalid::Invalid;
use user_service::order::{Field, Order};
use user_service::page_token;
use user_service::store::{Key, ListQuery, Page, Position, StoreError};
use uuid::Uuid;

use crate::entries::{parts, twisted};
use crate::entry::Entry;
use crate::store::{Inner, Twist, lock};
use crate::wire;

pub fn entries() -> Vec<Entry> {
    vec![
        parts(
            "token-held",
            "USR-15",
            "tokens are known to one process alone",
            |_, it| {
                it.rules.encode_token = |_, position| hold(position);
                it.rules.decode_token = |token, _, _| held(token, false);
            },
        ),
        parts("token-once", "USR-15", "a token is good once", |_, it| {
            it.rules.encode_token = |_, position| hold(position);
            it.rules.decode_token = |token, _, _| held(token, true);
        }),
        parts(
            "token-ascii",
            "USR-15",
            "a token is good for short ASCII text alone",
            |_, it| {
                it.rules.decode_token =
                    |token, binding, field| match page_token::decode(token, binding, field)? {
                        Position {
                            key: Key::Text(text),
                            ..
                        } if !text.is_ascii() || text.contains(['&', '\'', '{']) => {
                            Err(Invalid::PageToken)
                        }
                        position => Ok(position),
                    };
            },
        ),
        twisted(
            "token-bound-to-size",
            "USR-15",
            "a token is good for one page_size alone",
            BoundToSize::default(),
        ),
        parts(
            "token-bound-to-nothing",
            "USR-15",
            "a token is good for any filter and order",
            |_, it| {
                it.rules.bind_token = |_, order| {
                    page_token::bind(
                        &Filter::default(),
                        Order {
                            descending: false,
                            field: if matches!(order.field, Field::Email | Field::Name) {
                                Field::Email
                            } else {
                                Field::CreatedAt
                            },
                        },
                    )
                };
            },
        ),
        parts(
            "token-unbound",
            "USR-15",
            "what is bound to another list is the first page",
            |_, it| {
                it.rules.bind_token = |_, _| [0; 8];
                it.rules.decode_token = |token, binding, field| {
                    page_token::decode(token, binding, field).or(Ok(Position {
                        key: far(field),
                        id: Uuid::nil(),
                    }))
                };
            },
        ),
        parts(
            "token-garbage-internal",
            "USR-15",
            "what is no token gives INTERNAL",
            |_, it| {
                wire::statuses(it, "/ListUsers", |_, message| {
                    (message == "page_token is invalid").then(|| (13, "internal error".to_owned()))
                });
            },
        ),
    ]
}

/// Tokens that are numbers of positions held in the process.
static HELD: Mutex<Option<HashMap<String, Position>>> = Mutex::new(None);

fn hold(position: &Position) -> String {
    let token = Uuid::new_v4().to_string();
    let mut held = lock(&HELD);
    held.get_or_insert_default()
        .insert(token.clone(), position.clone());
    token
}

fn held(token: &str, once: bool) -> Result<Position, Invalid> {
    let mut held = lock(&HELD);
    let held = held.get_or_insert_default();
    let position = if once {
        held.remove(token)
    } else {
        held.get(token).cloned()
    };
    position.ok_or(Invalid::PageToken)
}

/// Before everybody.
fn far(field: Field) -> Key {
    match field {
        Field::Email | Field::Name => Key::Text(String::new()),
        Field::CreatedAt | Field::UpdatedAt => Key::Time(chrono::DateTime::UNIX_EPOCH),
    }
}

/// Pages after the first are of the first one's size.
#[derive(Default)]
struct BoundToSize(Mutex<HashMap<String, u32>>);

#[async_trait]
impl Twist for BoundToSize {
    async fn list(&self, inner: &Inner, mut query: ListQuery) -> Result<Page, StoreError> {
        let key = format!("{:?}", query.filter);
        {
            let mut sizes = lock(&self.0);
            match query.after {
                None => drop(sizes.insert(key, query.size)),
                Some(_) => query.size = sizes.get(&key).copied().unwrap_or(query.size),
            }
        }
        inner.list(query).await
    }
}
