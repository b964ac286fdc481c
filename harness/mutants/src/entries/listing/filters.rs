//! USR-14: filters.

use async_trait::async_trait;
use user_service::filter::Filter;
use user_service::store::{ListQuery, Page, StoreError};
use user_service::user::User;

use crate::entries::layered;
use crate::entry::Entry;
use crate::store::{Inner, Layer};

pub fn entries() -> Vec<Entry> {
    vec![
        layered(
            "filter-email-by-bytes",
            "USR-14",
            "emails are compared by their bytes",
            Loose(|filter, user| {
                filter.name.as_ref().is_none_or(|it| *it == user.name)
                    && filter.email.as_ref().is_none_or(|it| *it == user.email)
            }),
        ),
        layered(
            "filter-unicode-case",
            "USR-14",
            "emails and names are compared without regard to any letter's case",
            Loose(|filter, user| {
                let same = |wanted: &Option<String>, text: &str| {
                    wanted.as_ref().is_none_or(|wanted| {
                        wanted.to_uppercase().to_lowercase() == text.to_uppercase().to_lowercase()
                    })
                };
                same(&filter.name, &user.name) && same(&filter.email, &user.email)
            }),
        ),
        layered(
            "filter-substring",
            "USR-14",
            "a part of a name or an email is enough",
            Loose(|filter, user| {
                let within = |wanted: &Option<String>, text: &str| {
                    wanted
                        .as_ref()
                        .is_none_or(|it| text.to_lowercase().contains(&it.to_lowercase()))
                };
                within(&filter.name, &user.name) && within(&filter.email, &user.email)
            }),
        ),
    ]
}

/// Finds users by a looser comparison, applied to all of them.
pub struct Loose(pub fn(&Filter, &User) -> bool);

#[async_trait]
impl Layer for Loose {
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
            .filter(|it| (self.0)(&filter, it))
            .collect();
        Ok(Page {
            total: i64::try_from(users.len()).unwrap_or(0),
            users,
            has_more: false,
        })
    }
}
