//! USR-14: filters.

use async_trait::async_trait;
use user_service::filter::Filter;
use user_service::store::{ListQuery, Page, StoreError};
use user_service::user::User;

use crate::entries::store_mutant;
use crate::mutant::Mutant;
use crate::store::{Inner, StoreLayer};

pub fn mutants() -> Vec<Mutant> {
    vec![
        store_mutant(
            "filter-email-by-bytes",
            "USR-14",
            "emails are compared case-sensitively",
            FilterBy(|filter, user| {
                filter.name.as_ref().is_none_or(|it| *it == user.name)
                    && filter.email.as_ref().is_none_or(|it| *it == user.email)
            }),
        ),
        store_mutant(
            "filter-unicode-case",
            "USR-14",
            "emails and names in filters ignore the case of all Unicode letters",
            FilterBy(|filter, user| {
                let is_equal = |wanted: &Option<String>, text: &str| {
                    wanted.as_ref().is_none_or(|wanted| {
                        wanted.to_uppercase().to_lowercase() == text.to_uppercase().to_lowercase()
                    })
                };
                is_equal(&filter.name, &user.name) && is_equal(&filter.email, &user.email)
            }),
        ),
        store_mutant(
            "filter-substring",
            "USR-14",
            "a filter matches a substring of a name or email",
            FilterBy(|filter, user| {
                let contains = |wanted: &Option<String>, text: &str| {
                    wanted
                        .as_ref()
                        .is_none_or(|it| text.to_lowercase().contains(&it.to_lowercase()))
                };
                contains(&filter.name, &user.name) && contains(&filter.email, &user.email)
            }),
        ),
    ]
}

/// Filters users with this predicate instead of the store's comparison.
pub struct FilterBy(pub fn(&Filter, &User) -> bool);

#[async_trait]
impl StoreLayer for FilterBy {
    async fn list(&self, inner: &Inner, query: ListQuery) -> Result<Page, StoreError> {
        let filter = query.filter.clone();
        let all = Filter {
            status: filter.status,
            ..Filter::default()
        };
        let page = inner
            .list(ListQuery {
                filter: all,
                after: None,
                size: 10_000,
                ..query.clone()
            })
            .await?;
        let users: Vec<User> = page
            .users
            .into_iter()
            .filter(|user| (self.0)(&filter, user))
            .collect();
        Ok(Page {
            total: i64::try_from(users.len()).unwrap_or(0),
            users,
            has_more: false,
        })
    }
}
