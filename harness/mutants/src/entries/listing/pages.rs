//! USR-12: pages and their counts.

use async_trait::async_trait;
use user_service::filter::Filter;
use user_service::store::{ListQuery, Page, StoreError};

use super::{change_list_requests, change_list_responses};
use crate::entries::{store_mutant, user_service_mutant};
use crate::mutant::Mutant;
use crate::store::{Inner, StoreLayer};

pub fn mutants() -> Vec<Mutant> {
    vec![
        user_service_mutant(
            "page-negative-refused",
            "USR-12",
            "a negative page_size means 1",
            |_, dependencies| {
                change_list_requests(dependencies, |request| {
                    if request.page_size < 0 {
                        request.page_size = 1;
                    }
                });
            },
        ),
        user_service_mutant(
            "page-one-more",
            "USR-12",
            "a page holds one user more than page_size",
            |_, dependencies| {
                change_list_requests(dependencies, |request| {
                    if request.page_size > 0 {
                        request.page_size += 1;
                    }
                });
            },
        ),
        store_mutant(
            "page-full-goes-on",
            "USR-12",
            "a full last page has a next_page_token",
            TokenOnFullPage,
        ),
        user_service_mutant(
            "page-counts-itself",
            "USR-12",
            "total_count is the number of users on the page",
            |_, dependencies| {
                change_list_responses(dependencies, |response| {
                    response.total_count = i32::try_from(response.users.len()).unwrap_or(0);
                });
            },
        ),
        store_mutant(
            "page-counts-all",
            "USR-12",
            "total_count ignores the filter",
            CountUnfiltered,
        ),
        user_service_mutant(
            "page-in-part",
            "USR-12",
            "users in lists have no metadata",
            |_, dependencies| {
                change_list_responses(dependencies, |response| {
                    response.users.iter_mut().for_each(|it| it.metadata.clear());
                });
            },
        ),
        user_service_mutant(
            "page-counts-one-more",
            "USR-12",
            "total_count is one too high",
            |_, dependencies| {
                change_list_responses(dependencies, |response| response.total_count += 1);
            },
        ),
    ]
}

/// Also gives a full last page a token.
struct TokenOnFullPage;

#[async_trait]
impl StoreLayer for TokenOnFullPage {
    async fn list(&self, inner: &Inner, query: ListQuery) -> Result<Page, StoreError> {
        let size = query.size as usize;
        let mut page = inner.list(query).await?;
        page.has_more |= page.users.len() == size;
        Ok(page)
    }
}

/// Counts all users in `total_count`; the filter is ignored.
struct CountUnfiltered;

#[async_trait]
impl StoreLayer for CountUnfiltered {
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
