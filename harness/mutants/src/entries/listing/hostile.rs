//! USR-17: hostile text in filters, orders, tokens and ids.

use async_trait::async_trait;
use user_service::filter::Filter;
use user_service::store::StoreError;
use user_service::user::{NewUser, User};

use super::filters::Loose;
use crate::entries::{layered, on_ids, parts};
use crate::entry::Entry;
use crate::store::{Inner, Layer, NEWEST_FIRST, first};
use crate::wire;

pub fn entries() -> Vec<Entry> {
    vec![
        layered(
            "filter-patterns",
            "USR-17",
            "values of a filter are patterns",
            Loose(|filter, user| {
                filter.name.as_ref().is_none_or(|it| like(it, &user.name))
                    && filter
                        .email
                        .as_ref()
                        .is_none_or(|it| like(it, &user.email.to_ascii_lowercase()))
            }),
        ),
        parts(
            "hostile-long-texts",
            "USR-17",
            "a list request of more than 50,000 bytes is an internal error",
            |_, it| wire::refuse(it, "/ListUsers", |message| message.len() > 50_000),
        ),
        layered(
            "hostile-owner-patterns",
            "USR-17",
            "an email is taken when it matches one as a pattern",
            Patterned,
        ),
        parts(
            "hostile-id-cut",
            "USR-17",
            "an id ends at a quote, a per cent sign or a NUL",
            |_, dependencies| {
                on_ids(dependencies, |id| *id = cut(id));
            },
        ),
    ]
}

/// Whether the text matches the pattern, as LIKE or a shell has it.
fn like(pattern: &str, text: &str) -> bool {
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

/// The id up to what ends it.
fn cut(id: &str) -> String {
    id.split(['\'', '%', '\0'])
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// A create is refused when its email, read as a pattern, matches that of another user.
struct Patterned;

#[async_trait]
impl Layer for Patterned {
    async fn create(&self, inner: &Inner, user: NewUser) -> Result<User, StoreError> {
        let users = first(inner, Filter::default(), NEWEST_FIRST, 100).await?;
        if users.iter().any(|it| like(&user.email, &it.email)) {
            return Err(StoreError::EmailTaken);
        }
        inner.create(user).await
    }
}
