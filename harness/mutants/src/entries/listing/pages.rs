//! USR-12: pages and their counts.

use async_trait::async_trait;
use user_service::filter::Filter;
use user_service::store::{ListQuery, Page, StoreError};

use super::{answered, asked};
use crate::entries::{parts, twisted};
use crate::entry::Entry;
use crate::store::{Inner, Twist};

pub fn entries() -> Vec<Entry> {
    vec![
        parts(
            "page-negative-refused",
            "USR-12",
            "a negative page_size means 1",
            |_, it| {
                asked(it, |it| {
                    if it.page_size < 0 {
                        it.page_size = 1;
                    }
                });
            },
        ),
        parts(
            "page-one-more",
            "USR-12",
            "a page holds one user more than asked for",
            |_, it| {
                asked(it, |it| {
                    if it.page_size > 0 {
                        it.page_size += 1;
                    }
                });
            },
        ),
        twisted(
            "page-full-goes-on",
            "USR-12",
            "a full last page has a token",
            FullPageGoesOn,
        ),
        parts(
            "page-counts-itself",
            "USR-12",
            "total_count counts the page",
            |_, it| {
                answered(it, |it| {
                    it.total_count = i32::try_from(it.users.len()).unwrap_or(0);
                });
            },
        ),
        twisted(
            "page-counts-all",
            "USR-12",
            "total_count counts everybody",
            CountsAll,
        ),
        parts(
            "page-in-part",
            "USR-12",
            "users on a page have no metadata",
            |_, it| {
                answered(it, |it| {
                    it.users.iter_mut().for_each(|it| it.metadata.clear());
                });
            },
        ),
        parts(
            "page-counts-one-more",
            "USR-12",
            "total_count is one too many",
            |_, it| answered(it, |it| it.total_count += 1),
        ),
    ]
}

/// A token on the last page too, when it is full.
struct FullPageGoesOn;

#[async_trait]
impl Twist for FullPageGoesOn {
    async fn list(&self, inner: &Inner, query: ListQuery) -> Result<Page, StoreError> {
        let size = query.size as usize;
        let mut page = inner.list(query).await?;
        page.has_more |= page.users.len() == size;
        Ok(page)
    }
}

/// Everybody counts, whatever the filter.
struct CountsAll;

#[async_trait]
impl Twist for CountsAll {
    async fn list(&self, inner: &Inner, query: ListQuery) -> Result<Page, StoreError> {
        let everybody = ListQuery {
            filter: Filter::default(),
            after: None,
            ..query.clone()
        };
        let total = inner.list(everybody).await?.total;
        Ok(Page {
            total,
            ..inner.list(query).await?
        })
    }
}
