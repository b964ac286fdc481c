//! USR-14: filters.

use async_trait::async_trait;
use user_service::filter::{self, Filter};
use user_service::invalid::Invalid;
use user_service::store::{ListQuery, Page, StoreError};
use user_service::user::{User, UserStatus};

use crate::entries::{parts, twisted};
use crate::entry::Entry;
use crate::store::{Inner, Twist};

pub fn entries() -> Vec<Entry> {
    vec![
        parts(
            "filter-no-status",
            "USR-14",
            "a term with a status is ignored",
            |_, it| it.rules.filter = |text| filtered(text, |it| it.status = None),
        ),
        parts(
            "filter-active-alone",
            "USR-14",
            "without a status only ACTIVE users are found",
            |_, it| {
                it.rules.filter = |text| {
                    filtered(text, |it| {
                        it.status.get_or_insert(UserStatus::Active);
                    })
                };
            },
        ),
        parts(
            "filter-no-names",
            "USR-14",
            "a term with a name is ignored",
            |_, it| it.rules.filter = |text| filtered(text, |it| it.name = None),
        ),
        twisted(
            "filter-email-by-bytes",
            "USR-14",
            "emails are compared by their bytes",
            Loose(|filter, user| {
                filter.name.as_ref().is_none_or(|it| *it == user.name)
                    && filter.email.as_ref().is_none_or(|it| *it == user.email)
            }),
        ),
        twisted(
            "filter-unicode-case",
            "USR-14",
            "emails and names are compared without regard to any letter's case",
            Loose(|filter, user| {
                let same = |wanted: &Option<String>, text: &str| {
                    wanted.as_ref().is_none_or(|it| {
                        it.to_uppercase().to_lowercase() == text.to_uppercase().to_lowercase()
                    })
                };
                same(&filter.name, &user.name) && same(&filter.email, &user.email)
            }),
        ),
        twisted(
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
        parts(
            "filter-last-term",
            "USR-14",
            "of two terms with one field the later one holds",
            |_, it| {
                it.rules.filter = |text| filtered(text, |it| it.is_contradictory = false);
            },
        ),
        parts(
            "filter-bare-words",
            "USR-14",
            "a bare value holds letters and digits alone",
            |_, it| {
                it.rules.filter = |text| {
                    let plain = text.split(" AND ").all(|term| {
                        term.contains('"')
                            || term.split_once('=').is_some_and(|(field, value)| {
                                field == "email"
                                    || value
                                        .chars()
                                        .all(|it| it.is_ascii_alphanumeric() || it == '-')
                                        && value != "AND"
                                        && value.len() != 1
                                        && !value.contains("AND")
                            })
                    });
                    if plain {
                        filter::parse(text)
                    } else {
                        Err(Invalid::Filter)
                    }
                };
            },
        ),
        parts(
            "filter-quotes-do-not-hold",
            "USR-14",
            "AND and escapes mean the same within quotes",
            |_, it| {
                it.rules.filter = |text| {
                    if text.contains('\\')
                        || text.contains("AND ") && text.matches('"').count() > 2
                        || text.contains("\" AND")
                    {
                        return Err(Invalid::Filter);
                    }
                    filter::parse(text)
                };
            },
        ),
        parts(
            "filter-no-blanks",
            "USR-14",
            "there is no white space in quotes",
            |_, it| {
                it.rules.filter = |text| {
                    let blank = |it: &str| it.contains(char::is_whitespace);
                    let quoted = text.split('"').skip(1).step_by(2).any(blank);
                    if quoted {
                        Err(Invalid::Filter)
                    } else {
                        filter::parse(text)
                    }
                };
            },
        ),
        parts(
            "filter-lenient",
            "USR-14",
            "what is not understood is ignored",
            |_, it| {
                it.rules.filter = |text| filter::parse(text).or_else(|_| filter::parse(""));
            },
        ),
        parts(
            "filter-empty-refused",
            "USR-14",
            "an empty filter is refused",
            |_, it| {
                it.rules.filter = |text| {
                    if text.is_empty() {
                        Err(Invalid::Filter)
                    } else {
                        filter::parse(text)
                    }
                };
            },
        ),
    ]
}

/// The filter with one thing about it changed.
fn filtered(text: &str, change: impl FnOnce(&mut Filter)) -> Result<Filter, Invalid> {
    let mut filter = filter::parse(text)?;
    change(&mut filter);
    Ok(filter)
}

/// Finds by a looser comparison: everybody is looked at.
pub struct Loose(pub fn(&Filter, &User) -> bool);

#[async_trait]
impl Twist for Loose {
    async fn list(&self, inner: &Inner, query: ListQuery) -> Result<Page, StoreError> {
        let filter = query.filter.clone();
        let everybody = Filter {
            status: filter.status,
            ..Filter::default()
        };
        let page = inner
            .list(ListQuery {
                filter: everybody,
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
