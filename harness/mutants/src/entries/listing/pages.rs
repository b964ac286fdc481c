//! USR-12: pages and their counts.

use async_trait::async_trait;
use user_service::filter::Filter;
use user_service::store::{ListQuery, Page, StoreError};

use super::{on_list_requests, on_list_responses};
use crate::entries::{layered, parts};
use crate::entry::Entry;
use crate::store::{Inner, Layer};

pub fn entries() -> Vec<Entry> {
    vec![
        parts(
            "page-negative-refused",
            "USR-12",
            "a negative page_size means 1",
            |_, dependencies| {
                on_list_requests(dependencies, |request| {
                    if request.page_size < 0 {
                        request.page_size = 1;
                    }
                });
            },
        ),
        parts(
            "page-one-more",
            "USR-12",
            "a page holds one user more than page_size",
            |_, dependencies| {
                on_list_requests(dependencies, |request| {
                    if request.page_size > 0 {
                        request.page_size += 1;
                    }
                });
            },
        ),
        layered(
            "page-full-goes-on",
            "USR-12",
            "a full last page has a token",
            FullPageGoesOn,
        ),
        parts(
            "page-counts-itself",
            "USR-12",
            "total_count counts the page",
            |_, dependencies| {
                on_list_responses(dependencies, |response| {
                    response.total_count = i32::try_from(response.users.len()).unwrap_or(0);
                });
            },
        ),
        layered(
            "page-counts-all",
            "USR-12",
            "total_count counts all users",
            CountsAll,
        ),
        parts(
            "page-in-part",
            "USR-12",
            "users on a page have no metadata",
            |_, dependencies| {
                on_list_responses(dependencies, |response| {
                    response.users.iter_mut().for_each(|it| it.metadata.clear());
                });
            },
        ),
        parts(
            "page-counts-one-more",
            "USR-12",
            "total_count is one too many",
            |_, it| on_list_responses(it, |it| it.total_count += 1),
        ),
    ]
}

/// A token on the last page too, when it is full.
struct FullPageGoesOn;

#[async_trait]
impl Layer for FullPageGoesOn {
    async fn list(&self, inner: &Inner, query: ListQuery) -> Result<Page, StoreError> {
        let size = query.size as usize;
        let mut page = inner.list(query).await?;
        page.has_more |= page.users.len() == size;
        Ok(page)
    }
}

/// The total is that of all users; the filter is ignored.
struct CountsAll;

#[async_trait]
impl Layer for CountsAll {
    async fn list(&self, inner: &Inner, query: ListQuery) -> Result<Page, StoreError> {
        let all = ListQuery {
            filter: Filter::default(),
            after: None,
            ..query.clone()
        };
        let total = inner.list(all).await?.total;
        Ok(Page {
            total,
            ..inner.list(query).await?
        })
    }
}
