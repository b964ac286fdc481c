//! USR-13: the order of lists.

use async_trait::async_trait;
use user_service::order::Field;
use user_service::store::{ListQuery, Page, StoreError};
use user_service::user::User;

use crate::entries::store_mutant;
use crate::mutant::Mutant;
use crate::store::{Inner, StoreLayer};

pub fn mutants() -> Vec<Mutant> {
    vec![
        store_mutant(
            "order-no-case",
            "USR-13",
            "the order ignores letter case",
            SortPageBy(|it| format!("{} {}", it.email.to_lowercase(), it.name.to_lowercase())),
        ),
        store_mutant(
            "order-names-no-case",
            "USR-13",
            "the order of names ignores letter case",
            SortPageBy(|it| it.name.to_lowercase()),
        ),
        store_mutant(
            "order-utf-16",
            "USR-13",
            "text is ordered by UTF-16 code units",
            SortPageBy(|user| {
                let units: Vec<String> = user
                    .email
                    .encode_utf16()
                    .map(|it| format!("{it:04x}"))
                    .collect();
                units.concat()
            }),
        ),
        store_mutant(
            "order-ties-shuffled",
            "USR-13",
            "users with equal sort keys are in another order on a larger page",
            ReverseLargePages,
        ),
    ]
}

/// Sorts the users of each page by this key.
struct SortPageBy(fn(&User) -> String);

#[async_trait]
impl StoreLayer for SortPageBy {
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

/// Reverses the users on a page of 100 that is ordered by name.
struct ReverseLargePages;

#[async_trait]
impl StoreLayer for ReverseLargePages {
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
