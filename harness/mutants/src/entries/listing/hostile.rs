//! USR-17: hostile text in filters, orders, tokens and ids.

use async_trait::async_trait;
use user_service::filter::Filter;
use user_service::store::StoreError;
use user_service::user::{NewUser, User};

use super::filters::Loose;
use crate::entries::{on_ids, parts, twisted};
use crate::entry::Entry;
use crate::store::{Inner, NEWEST_FIRST, Twist, first};
use crate::wire;

pub fn entries() -> Vec<Entry> {
    vec![
        twisted(
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
            "a list that is asked for at great length is an internal error",
            |_, it| wire::refuse(it, "/ListUsers", |message| message.len() > 50_000),
        ),
        twisted(
            "hostile-owner-patterns",
            "USR-17",
            "an email is taken when it matches one as a pattern",
            Patterned,
        ),
        parts(
            "hostile-id-cut",
            "USR-17",
            "an id ends at a quote, a per cent sign or a NUL",
            |_, it| {
                on_ids(it, |id| *id = cut(id));
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

/// Whoever is like somebody is taken for them.
struct Patterned;

#[async_trait]
impl Twist for Patterned {
    async fn create(&self, inner: &Inner, user: NewUser) -> Result<User, StoreError> {
        let everybody = first(inner, Filter::default(), NEWEST_FIRST, 100).await?;
        if everybody.iter().any(|it| like(&user.email, &it.email)) {
            return Err(StoreError::EmailTaken);
        }
        inner.create(user).await
    }
}
