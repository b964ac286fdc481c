//! USR-16: reading page after page while users are created and deleted.

use std::collections::HashMap;
use std::sync::Mutex;

use async_trait::async_trait;
use user_service::store::{ListQuery, Page, StoreError};
use user_service::user::User;
use uuid::Uuid;

use crate::entries::store_mutant;
use crate::mutant::Mutant;
use crate::store::{Inner, StoreLayer, lock};

pub fn mutants() -> Vec<Mutant> {
    vec![
        store_mutant(
            "walk-by-offset",
            "USR-16",
            "pages are read by offset",
            PagesByOffset::default(),
        ),
        store_mutant(
            "walk-skips-one",
            "USR-16",
            "every page after the first lacks its first user",
            SkipsFirstUser,
        ),
        store_mutant(
            "walk-by-updated-at",
            "USR-16",
            "the next page starts after the updated_at of the last user",
            PagesByUpdateTime,
        ),
    ]
}

/// Reads pages by offset; the offset after each page is kept by its last user.
#[derive(Default)]
struct PagesByOffset(Mutex<HashMap<(Uuid, String), usize>>);

#[async_trait]
impl StoreLayer for PagesByOffset {
    async fn list(&self, inner: &Inner, query: ListQuery) -> Result<Page, StoreError> {
        let list = format!("{:?}{:?}", query.filter, query.order);
        let size = query.size as usize;
        let from = match &query.after {
            None => 0,
            Some(position) => lock(&self.0)
                .get(&(position.id, list.clone()))
                .copied()
                .unwrap_or(0),
        };
        let all = inner
            .list(ListQuery {
                after: None,
                size: 10_000,
                ..query
            })
            .await?;
        let users: Vec<User> = all.users.iter().skip(from).take(size).cloned().collect();
        if let Some(last) = users.last() {
            lock(&self.0).insert((last.id, list), from + users.len());
        }
        Ok(Page {
            has_more: from + users.len() < all.users.len(),
            users,
            total: all.total,
        })
    }
}

/// Leaves out the first user of every page after the first.
struct SkipsFirstUser;

#[async_trait]
impl StoreLayer for SkipsFirstUser {
    async fn list(&self, inner: &Inner, query: ListQuery) -> Result<Page, StoreError> {
        let is_later_page = query.after.is_some();
        let mut page = inner.list(query).await?;
        if is_later_page && page.users.len() > 1 {
            page.users.remove(0);
        }
        Ok(page)
    }
}

/// Orders pages after the first by `updated_at`; the requested order is ignored.
struct PagesByUpdateTime;

#[async_trait]
impl StoreLayer for PagesByUpdateTime {
    async fn list(&self, inner: &Inner, query: ListQuery) -> Result<Page, StoreError> {
        let Some(position) = query.after.clone() else {
            return inner.list(query).await;
        };
        let all = inner
            .list(ListQuery {
                after: None,
                size: 10_000,
                ..query.clone()
            })
            .await?;
        let boundary = inner
            .get(position.id)
            .await
            .map_or(chrono::DateTime::UNIX_EPOCH, |it| it.updated_at);
        let mut later: Vec<User> = all
            .users
            .into_iter()
            .filter(|it| it.updated_at > boundary)
            .collect();
        later.sort_by_key(|it| it.updated_at);
        let has_more = later.len() > query.size as usize;
        later.truncate(query.size as usize);
        Ok(Page {
            users: later,
            has_more,
            total: all.total,
        })
    }
}
