//! USR-16: walks from page to page while users come and go.

use std::collections::HashMap;
use std::sync::Mutex;

use async_trait::async_trait;
use user_service::store::{ListQuery, Page, StoreError};
use user_service::user::User;
use uuid::Uuid;

use crate::entries::layered;
use crate::entry::Entry;
use crate::store::{Inner, Layer, lock};

pub fn entries() -> Vec<Entry> {
    vec![
        layered(
            "walk-by-offset",
            "USR-16",
            "pages are counted from the beginning",
            Offset::default(),
        ),
        layered(
            "walk-skips-one",
            "USR-16",
            "the first user of every further page is left out",
            SkipsOne,
        ),
        layered(
            "walk-by-updated-at",
            "USR-16",
            "the position is a moment of change",
            ByChange,
        ),
    ]
}

/// Pages by number: so many users are left out.
#[derive(Default)]
struct Offset(Mutex<HashMap<(Uuid, String), usize>>);

#[async_trait]
impl Layer for Offset {
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

/// The first user of every further page is left out.
struct SkipsOne;

#[async_trait]
impl Layer for SkipsOne {
    async fn list(&self, inner: &Inner, query: ListQuery) -> Result<Page, StoreError> {
        let further = query.after.is_some();
        let mut page = inner.list(query).await?;
        if further && page.users.len() > 1 {
            page.users.remove(0);
        }
        Ok(page)
    }
}

/// Lists by the last change; the requested order is ignored.
struct ByChange;

#[async_trait]
impl Layer for ByChange {
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
