//! USR-13: orders.

use async_trait::async_trait;
use user_service::order::Field;
use user_service::store::{ListQuery, Page, StoreError};
use user_service::user::User;

use crate::entries::layered;
use crate::entry::Entry;
use crate::store::{Inner, Layer};

pub fn entries() -> Vec<Entry> {
    vec![
        layered(
            "order-no-case",
            "USR-13",
            "letter case does not count",
            Sorted(|it| format!("{} {}", it.email.to_lowercase(), it.name.to_lowercase())),
        ),
        layered(
            "order-names-no-case",
            "USR-13",
            "letter case of names does not count",
            Sorted(|it| it.name.to_lowercase()),
        ),
        layered(
            "order-utf-16",
            "USR-13",
            "text is compared by UTF-16",
            Sorted(|user| {
                let units: Vec<String> = user
                    .email
                    .encode_utf16()
                    .map(|it| format!("{it:04x}"))
                    .collect();
                units.concat()
            }),
        ),
        layered(
            "order-ties-shuffled",
            "USR-13",
            "users that tie stand otherwise on a larger page",
            Shuffled,
        ),
    ]
}

/// Sorts each page by a key of its own.
struct Sorted(fn(&User) -> String);

#[async_trait]
impl Layer for Sorted {
    async fn list(&self, inner: &Inner, query: ListQuery) -> Result<Page, StoreError> {
        let descending = query.order.descending;
        let mut page = inner.list(query).await?;
        page.users.sort_by_key(&self.0);
        if descending {
            page.users.reverse();
        }
        Ok(page)
    }
}

/// Users that tie change their places from page to page.
struct Shuffled;

#[async_trait]
impl Layer for Shuffled {
    async fn list(&self, inner: &Inner, query: ListQuery) -> Result<Page, StoreError> {
        let field = query.order.field;
        let size = query.size;
        let mut page = inner.list(query).await?;
        if field == Field::Name && size == 100 {
            page.users.reverse();
        }
        Ok(page)
    }
}
