//! USR-15: page tokens.

use std::collections::HashMap;
use std::sync::Mutex;

use async_trait::async_trait;
use user_proto::v1::ListUsersRequest;
use user_service::dependencies::Dependencies;
use user_service::store::{ListQuery, Page, StoreError};
use uuid::Uuid;

use super::change_list_responses;
use crate::entries::{store_mutant, user_service_mutant};
use crate::mutant::Mutant;
use crate::store::{Inner, StoreLayer, lock};
use crate::wire;

pub fn mutants() -> Vec<Mutant> {
    vec![
        user_service_mutant(
            "token-held",
            "USR-15",
            "a page token is valid only in the process that issued it",
            |_, dependencies| {
                replace_tokens(dependencies, |token| {
                    lock(&TOKENS).as_ref()?.get(token).cloned()
                });
            },
        ),
        user_service_mutant(
            "token-once",
            "USR-15",
            "a page token can be used only once",
            |_, dependencies| {
                replace_tokens(dependencies, |token| lock(&TOKENS).as_mut()?.remove(token));
            },
        ),
        store_mutant(
            "token-bound-to-size",
            "USR-15",
            "a page token is bound to the page_size of the first page",
            SizeOfFirstPage::default(),
        ),
        user_service_mutant(
            "token-garbage-internal",
            "USR-15",
            "an invalid page token fails with INTERNAL",
            |_, dependencies| {
                wire::change_status(dependencies, "/ListUsers", |_, message| {
                    (message == "page_token is invalid").then(|| (13, "internal error".to_owned()))
                });
            },
        ),
    ]
}

/// The real page tokens, by the tokens that clients get.
static TOKENS: Mutex<Option<HashMap<String, String>>> = Mutex::new(None);

/// Replaces page tokens by random ones that only this process can map back to real tokens.
fn replace_tokens(dependencies: &mut Dependencies, lookup: fn(&str) -> Option<String>) {
    change_list_responses(dependencies, |response| {
        if !response.next_page_token.is_empty() {
            let token = Uuid::new_v4().to_string();
            let real = std::mem::replace(&mut response.next_page_token, token.clone());
            lock(&TOKENS).get_or_insert_default().insert(token, real);
        }
    });
    wire::change_requests(
        dependencies,
        "/ListUsers",
        move |request: &mut ListUsersRequest| {
            if !request.page_token.is_empty() {
                let unknown = || "unknown".to_owned();
                request.page_token = lookup(&request.page_token).unwrap_or_else(unknown);
            }
        },
    );
}

/// Gives all pages of a list the size of the first page.
#[derive(Default)]
struct SizeOfFirstPage(Mutex<HashMap<String, u32>>);

#[async_trait]
impl StoreLayer for SizeOfFirstPage {
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
