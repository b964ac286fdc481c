//! USR-17: hostile text in filters, orders, tokens and ids.

use async_trait::async_trait;
use user_service::filter::Filter;
use user_service::store::StoreError;
use user_service::user::{NewUser, User};

use super::filters::FilterBy;
use crate::entries::{change_ids, store_mutant, user_service_mutant};
use crate::mutant::Mutant;
use crate::store::{Inner, NEWEST_FIRST, StoreLayer, first_users};
use crate::wire;

pub fn mutants() -> Vec<Mutant> {
    vec![
        store_mutant(
            "filter-patterns",
            "USR-17",
            "values in filters are LIKE or glob patterns",
            FilterBy(|filter, user| {
                filter
                    .name
                    .as_ref()
                    .is_none_or(|it| matches_pattern(it, &user.name))
                    && filter
                        .email
                        .as_ref()
                        .is_none_or(|it| matches_pattern(it, &user.email.to_ascii_lowercase()))
            }),
        ),
        user_service_mutant(
            "hostile-long-texts",
            "USR-17",
            "a list request of more than 50,000 bytes fails with INTERNAL",
            |_, dependencies| {
                wire::fail_requests(dependencies, "/ListUsers", |message| message.len() > 50_000);
            },
        ),
        store_mutant(
            "hostile-owner-patterns",
            "USR-17",
            "an email counts as taken if, read as a pattern, it matches another email",
            UniquenessByPattern,
        ),
        user_service_mutant(
            "hostile-id-cut",
            "USR-17",
            "an id is truncated at a quote, a percent sign or a NUL",
            |_, dependencies| {
                change_ids(dependencies, |id| *id = truncate(id));
            },
        ),
    ]
}

/// Whether the text matches the pattern; wildcards are those of LIKE and of a shell.
fn matches_pattern(pattern: &str, text: &str) -> bool {
    let mut expression = String::from("^");
    for letter in pattern.chars() {
        match letter {
            '%' | '*' => expression.push_str(".*"),
            '_' | '?' => expression.push('.'),
            other => expression.push_str(&regex::escape(&other.to_string())),
        }
    }
    expression.push('$');
    regex::Regex::new(&expression).is_ok_and(|it| it.is_match(text))
}

/// Truncates an id at a quote, a percent sign or a NUL.
fn truncate(id: &str) -> String {
    id.split(['\'', '%', '\0'])
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// Refuses a create if its email, read as a pattern, matches the email of another user.
struct UniquenessByPattern;

#[async_trait]
impl StoreLayer for UniquenessByPattern {
    async fn create(&self, inner: &Inner, user: NewUser) -> Result<User, StoreError> {
        let users = first_users(inner, Filter::default(), NEWEST_FIRST, 100).await?;
        if users
            .iter()
            .any(|it| matches_pattern(&user.email, &it.email))
        {
            return Err(StoreError::EmailTaken);
        }
        inner.create(user).await
    }
}
