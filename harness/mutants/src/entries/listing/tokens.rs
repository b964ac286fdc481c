//! USR-15: page tokens.

use std::collections::HashMap;
use std::sync::Mutex;

use async_trait::async_trait;
use user_proto::v1::ListUsersRequest;
use user_service::dependencies::Dependencies;
use user_service::store::{ListQuery, Page, StoreError};
use uuid::Uuid;

use super::on_list_responses;
use crate::entries::{layered, parts};
use crate::entry::Entry;
use crate::store::{Inner, Layer, lock};
use crate::wire;

pub fn entries() -> Vec<Entry> {
    vec![
        parts(
            "token-held",
            "USR-15",
            "tokens are known to one process alone",
            |_, it| hold_tokens(it, |token| lock(&HELD).as_ref()?.get(token).cloned()),
        ),
        parts(
            "token-once",
            "USR-15",
            "a token is good once",
            |_, dependencies| {
                hold_tokens(dependencies, |token| lock(&HELD).as_mut()?.remove(token));
            },
        ),
        layered(
            "token-bound-to-size",
            "USR-15",
            "a token is good for one page_size alone",
            BoundToSize::default(),
        ),
        parts(
            "token-garbage-internal",
            "USR-15",
            "what is no token gives INTERNAL",
            |_, dependencies| {
                wire::statuses(dependencies, "/ListUsers", |_, message| {
                    (message == "page_token is invalid").then(|| (13, "internal error".to_owned()))
                });
            },
        ),
    ]
}

/// The real tokens, by those that clients get.
static HELD: Mutex<Option<HashMap<String, String>>> = Mutex::new(None);

/// Gives clients tokens that only this process can turn into real ones.
fn hold_tokens(it: &mut Dependencies, real: fn(&str) -> Option<String>) {
    on_list_responses(it, |answer| {
        if !answer.next_page_token.is_empty() {
            let token = Uuid::new_v4().to_string();
            let real = std::mem::replace(&mut answer.next_page_token, token.clone());
            lock(&HELD).get_or_insert_default().insert(token, real);
        }
    });
    wire::requests(it, "/ListUsers", move |request: &mut ListUsersRequest| {
        if !request.page_token.is_empty() {
            let unknown = || "unknown".to_owned();
            request.page_token = real(&request.page_token).unwrap_or_else(unknown);
        }
    });
}

/// Pages after the first are of the first one's size.
#[derive(Default)]
struct BoundToSize(Mutex<HashMap<String, u32>>);

#[async_trait]
impl Layer for BoundToSize {
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
