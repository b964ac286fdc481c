//! Lists: pages, orders, filters, tokens, walks.

use std::collections::HashMap;
use std::sync::Mutex;

use async_trait::async_trait;
use user_proto::v1::{ListUsersRequest, ListUsersResponse};
use user_service::filter::{self, Filter};
use user_service::invalid::Invalid;
use user_service::order::{self, Field, Order};
use user_service::page_token;
use user_service::parts::Parts;
use user_service::store::{Key, ListQuery, Page, Position, StoreError};
use user_service::user::{User, UserStatus};
use uuid::Uuid;

use super::parts;
use crate::entry::Entry;
use crate::store::{Inner, Twist, twist};
use crate::wire;

pub fn entries() -> Vec<Entry> {
    let mut all = pages();
    all.extend(orders());
    all.extend(filters());
    all.extend(tokens());
    all.extend(walks());
    all
}

fn asked(it: &mut Parts, change: fn(&mut ListUsersRequest)) {
    wire::requests::<ListUsersRequest>(it, "/ListUsers", change);
}

fn answered(it: &mut Parts, change: fn(&mut ListUsersResponse)) {
    wire::answers::<ListUsersResponse>(it, "/ListUsers", change);
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

fn pages() -> Vec<Entry> {
    vec![
        parts(
            "page-default-10",
            "USR-12",
            "a page_size of 0 means 10",
            |_, it| it.rules.limits.page_size_default = 10,
        ),
        parts(
            "page-at-most-50",
            "USR-12",
            "a page_size above 50 means 50",
            |_, it| it.rules.limits.page_size_max = 50,
        ),
        parts(
            "page-unbounded",
            "USR-12",
            "a page_size is not bounded",
            |_, it| it.rules.limits.page_size_max = 10_000,
        ),
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
        parts(
            "page-full-goes-on",
            "USR-12",
            "a full last page has a token",
            |_, it| twist(it, FullPageGoesOn),
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
        parts(
            "page-counts-all",
            "USR-12",
            "total_count counts everybody",
            |_, it| twist(it, CountsAll),
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

/// Sorts each page by a key of its own.
struct Sorted(fn(&User) -> String);

#[async_trait]
impl Twist for Sorted {
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

/// Users that tie change their places from page to page.
struct Shuffled;

#[async_trait]
impl Twist for Shuffled {
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

fn always(_: &str) -> Result<Order, Invalid> {
    Ok(Order {
        field: Field::CreatedAt,
        descending: true,
    })
}

fn orders() -> Vec<Entry> {
    vec![
        parts(
            "order-no-direction",
            "USR-13",
            "the direction is ignored",
            |_, it| {
                it.rules.order = |text| {
                    order::parse(text).map(|it| Order {
                        descending: false,
                        ..it
                    })
                };
            },
        ),
        parts(
            "order-newest-first",
            "USR-13",
            "the order is created_at desc, whatever is asked",
            |_, it| it.rules.order = always,
        ),
        parts(
            "order-default-desc",
            "USR-13",
            "the default is the newest first",
            |_, it| {
                it.rules.order = |text| {
                    if text.is_empty() {
                        always(text)
                    } else {
                        order::parse(text)
                    }
                };
            },
        ),
        parts(
            "order-updated-is-created",
            "USR-13",
            "updated_at means created_at",
            |_, it| {
                it.rules.order = |text| {
                    order::parse(text).map(|it| match it.field {
                        Field::UpdatedAt => Order {
                            field: Field::CreatedAt,
                            ..it
                        },
                        _ => it,
                    })
                };
            },
        ),
        parts(
            "order-no-case",
            "USR-13",
            "letter case does not count",
            |_, it| {
                twist(
                    it,
                    Sorted(|it| format!("{} {}", it.email.to_lowercase(), it.name.to_lowercase())),
                );
            },
        ),
        parts(
            "order-names-no-case",
            "USR-13",
            "letter case of names does not count",
            |_, it| twist(it, Sorted(|it| it.name.to_lowercase())),
        ),
        parts(
            "order-utf-16",
            "USR-13",
            "text is compared by UTF-16",
            |_, it| {
                twist(
                    it,
                    Sorted(|it| {
                        let units: Vec<String> = it
                            .email
                            .encode_utf16()
                            .map(|it| format!("{it:04x}"))
                            .collect();
                        units.concat()
                    }),
                );
            },
        ),
        parts(
            "order-ties-shuffled",
            "USR-13",
            "users that tie stand otherwise on a larger page",
            |_, it| twist(it, Shuffled),
        ),
        parts(
            "order-unknown-ignored",
            "USR-13",
            "an unknown order_by means the default",
            |_, it| {
                it.rules.order = |text| order::parse(text).or_else(|_| order::parse(""));
            },
        ),
        parts(
            "order-trimmed",
            "USR-13",
            "order_by is trimmed, and its letter case does not count",
            |_, it| {
                it.rules.order = |text| order::parse(&text.trim().to_lowercase());
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
struct Loose(fn(&Filter, &User) -> bool);

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

fn filters() -> Vec<Entry> {
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
        parts(
            "filter-email-by-bytes",
            "USR-14",
            "emails are compared by their bytes",
            |_, it| {
                twist(
                    it,
                    Loose(|filter, user| {
                        filter.name.as_ref().is_none_or(|it| *it == user.name)
                            && filter.email.as_ref().is_none_or(|it| *it == user.email)
                    }),
                );
            },
        ),
        parts(
            "filter-unicode-case",
            "USR-14",
            "emails and names are compared without regard to any letter's case",
            |_, it| {
                twist(
                    it,
                    Loose(|filter, user| {
                        let same = |wanted: &Option<String>, text: &str| {
                            wanted.as_ref().is_none_or(|it| {
                                it.to_uppercase().to_lowercase()
                                    == text.to_uppercase().to_lowercase()
                            })
                        };
                        same(&filter.name, &user.name) && same(&filter.email, &user.email)
                    }),
                );
            },
        ),
        parts(
            "filter-substring",
            "USR-14",
            "a part of a name or an email is enough",
            |_, it| {
                twist(
                    it,
                    Loose(|filter, user| {
                        let within = |wanted: &Option<String>, text: &str| {
                            wanted
                                .as_ref()
                                .is_none_or(|it| text.to_lowercase().contains(&it.to_lowercase()))
                        };
                        within(&filter.name, &user.name) && within(&filter.email, &user.email)
                    }),
                );
            },
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
        parts(
            "filter-patterns",
            "USR-17",
            "values of a filter are patterns",
            |_, it| {
                twist(
                    it,
                    Loose(|filter, user| {
                        filter.name.as_ref().is_none_or(|it| like(it, &user.name))
                            && filter
                                .email
                                .as_ref()
                                .is_none_or(|it| like(it, &user.email.to_ascii_lowercase()))
                    }),
                );
            },
        ),
        parts(
            "hostile-list-texts-ignored",
            "USR-17",
            "a filter, order or token that is not understood is ignored",
            |_, it| {
                it.rules.filter = |text| filter::parse(text).or_else(|_| filter::parse(""));
                it.rules.order = |text| order::parse(text).or_else(|_| order::parse(""));
                asked(it, |it| {
                    if it.page_token.contains('\'') || it.page_token.len() < 40 {
                        it.page_token.clear();
                    }
                });
            },
        ),
        parts(
            "hostile-owner-patterns",
            "USR-17",
            "an email is taken when it matches one as a pattern",
            |_, it| twist(it, Patterned),
        ),
        parts(
            "hostile-id-cut",
            "USR-17",
            "an id ends at a quote, a per cent sign or a NUL",
            |_, it| {
                wire::requests::<user_proto::v1::GetUserRequest>(it, "/GetUser", |it| {
                    it.id = cut(&it.id);
                });
                wire::requests::<user_proto::v1::UpdateUserRequest>(it, "/UpdateUser", |it| {
                    it.id = cut(&it.id);
                });
                wire::requests::<user_proto::v1::DeleteUserRequest>(it, "/DeleteUser", |it| {
                    it.id = cut(&it.id);
                });
            },
        ),
    ]
}

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
    async fn create(
        &self,
        inner: &Inner,
        user: user_service::user::NewUser,
    ) -> Result<User, StoreError> {
        let order = order::parse("created_at desc").map_err(|_| StoreError::NotFound)?;
        let everybody = ListQuery {
            filter: Filter::default(),
            order,
            after: None,
            size: 100,
        };
        let page = inner.list(everybody).await?;
        if page.users.iter().any(|it| like(&user.email, &it.email)) {
            return Err(StoreError::EmailTaken);
        }
        inner.create(user).await
    }
}

/// Tokens that are numbers of positions held in the process.
static HELD: Mutex<Option<HashMap<String, Position>>> = Mutex::new(None);

fn hold(position: &Position) -> String {
    let token = Uuid::new_v4().to_string();
    let mut held = HELD.lock().expect("not poisoned");
    held.get_or_insert_default()
        .insert(token.clone(), position.clone());
    token
}

fn held(token: &str, once: bool) -> Result<Position, Invalid> {
    let mut held = HELD.lock().expect("not poisoned");
    let held = held.get_or_insert_default();
    let position = if once {
        held.remove(token)
    } else {
        held.get(token).cloned()
    };
    position.ok_or(Invalid::PageToken)
}

fn tokens() -> Vec<Entry> {
    vec![
        parts(
            "token-held",
            "USR-15",
            "tokens are known to one process alone",
            |_, it| {
                it.rules.encode_token = |_, position| hold(position);
                it.rules.decode_token = |token, _, _| held(token, false);
            },
        ),
        parts("token-once", "USR-15", "a token is good once", |_, it| {
            it.rules.encode_token = |_, position| hold(position);
            it.rules.decode_token = |token, _, _| held(token, true);
        }),
        parts(
            "token-ascii",
            "USR-15",
            "a token is good for short ASCII text alone",
            |_, it| {
                it.rules.decode_token =
                    |token, binding, field| match page_token::decode(token, binding, field)? {
                        Position {
                            key: Key::Text(text),
                            ..
                        } if !text.is_ascii() || text.contains(['&', '\'', '{']) => {
                            Err(Invalid::PageToken)
                        }
                        position => Ok(position),
                    };
            },
        ),
        parts(
            "token-bound-to-size",
            "USR-15",
            "a token is good for one page_size alone",
            |_, it| twist(it, BoundToSize::default()),
        ),
        parts(
            "token-bound-to-nothing",
            "USR-15",
            "a token is good for any filter and order",
            |_, it| {
                it.rules.bind_token = |_, order| {
                    page_token::bind(
                        &Filter::default(),
                        Order {
                            descending: false,
                            field: if matches!(order.field, Field::Email | Field::Name) {
                                Field::Email
                            } else {
                                Field::CreatedAt
                            },
                        },
                    )
                };
            },
        ),
        parts(
            "token-unbound",
            "USR-15",
            "what is bound to another list is the first page",
            |_, it| {
                it.rules.bind_token = |_, _| [0; 8];
                it.rules.decode_token = |token, binding, field| {
                    page_token::decode(token, binding, field).or(Ok(Position {
                        key: far(field),
                        id: Uuid::nil(),
                    }))
                };
            },
        ),
        parts(
            "token-garbage-internal",
            "USR-15",
            "what is no token gives INTERNAL",
            |_, it| {
                wire::statuses(it, "/ListUsers", |code, message| {
                    if message == "page_token is invalid" {
                        (13, "internal error".to_owned())
                    } else {
                        (code, message.to_owned())
                    }
                });
            },
        ),
    ]
}

/// Before everybody.
fn far(field: Field) -> Key {
    match field {
        Field::Email | Field::Name => Key::Text(String::new()),
        Field::CreatedAt | Field::UpdatedAt => Key::Time(chrono::DateTime::UNIX_EPOCH),
    }
}

/// Pages after the first are of the first one's size.
#[derive(Default)]
struct BoundToSize(Mutex<HashMap<String, u32>>);

#[async_trait]
impl Twist for BoundToSize {
    async fn list(&self, inner: &Inner, mut query: ListQuery) -> Result<Page, StoreError> {
        let key = format!("{:?}", query.filter);
        {
            let mut sizes = self.0.lock().expect("not poisoned");
            match query.after {
                None => drop(sizes.insert(key, query.size)),
                Some(_) => query.size = sizes.get(&key).copied().unwrap_or(query.size),
            }
        }
        inner.list(query).await
    }
}

/// Pages by number: so many users are left out.
#[derive(Default)]
struct Offset(Mutex<HashMap<(Uuid, String), usize>>);

#[async_trait]
impl Twist for Offset {
    async fn list(&self, inner: &Inner, query: ListQuery) -> Result<Page, StoreError> {
        let list = format!("{:?}{:?}", query.filter, query.order);
        let size = query.size as usize;
        let from = match &query.after {
            None => 0,
            Some(position) => self
                .0
                .lock()
                .expect("not poisoned")
                .get(&(position.id, list.clone()))
                .copied()
                .unwrap_or(0),
        };
        let all = inner
            .list(ListQuery {
                after: None,
                size: 10_000,
                ..query
            })
            .await?;
        let users: Vec<User> = all.users.iter().skip(from).take(size).cloned().collect();
        if let Some(last) = users.last() {
            self.0
                .lock()
                .expect("not poisoned")
                .insert((last.id, list), from + users.len());
        }
        Ok(Page {
            has_more: from + users.len() < all.users.len(),
            users,
            total: all.total,
        })
    }
}

fn walks() -> Vec<Entry> {
    vec![
        parts(
            "walk-by-offset",
            "USR-16",
            "pages are counted from the beginning",
            |_, it| twist(it, Offset::default()),
        ),
        parts(
            "walk-by-milliseconds",
            "USR-16",
            "the position is kept in milliseconds",
            |_, it| {
                it.rules.encode_token = |binding, position| {
                    let key = match &position.key {
                        Key::Time(time) => Key::Time(
                            chrono::DateTime::from_timestamp_millis(time.timestamp_millis())
                                .unwrap_or(*time),
                        ),
                        text @ Key::Text(_) => text.clone(),
                    };
                    page_token::encode(
                        binding,
                        &Position {
                            key,
                            id: position.id,
                        },
                    )
                };
            },
        ),
        parts(
            "walk-skips-one",
            "USR-16",
            "the first user of every further page is left out",
            |_, it| twist(it, SkipsOne),
        ),
        parts(
            "walk-by-updated-at",
            "USR-16",
            "the position is a moment of change",
            |_, it| twist(it, ByChange),
        ),
    ]
}

/// The first user of every further page is left out.
struct SkipsOne;

#[async_trait]
impl Twist for SkipsOne {
    async fn list(&self, inner: &Inner, query: ListQuery) -> Result<Page, StoreError> {
        let further = query.after.is_some();
        let mut page = inner.list(query).await?;
        if further && page.users.len() > 1 {
            page.users.remove(0);
        }
        Ok(page)
    }
}

/// Lists by the last change, whatever the order is called.
struct ByChange;

#[async_trait]
impl Twist for ByChange {
    async fn list(&self, inner: &Inner, query: ListQuery) -> Result<Page, StoreError> {
        let Some(position) = query.after.clone() else {
            return inner.list(query).await;
        };
        let all = inner
            .list(ListQuery {
                after: None,
                size: 10_000,
                ..query.clone()
            })
            .await?;
        let boundary = inner
            .get(position.id)
            .await
            .map_or(chrono::DateTime::UNIX_EPOCH, |it| it.updated_at);
        let mut later: Vec<User> = all
            .users
            .into_iter()
            .filter(|it| it.updated_at > boundary)
            .collect();
        later.sort_by_key(|it| it.updated_at);
        let has_more = later.len() > query.size as usize;
        later.truncate(query.size as usize);
        Ok(Page {
            users: later,
            has_more,
            total: all.total,
        })
    }
}
