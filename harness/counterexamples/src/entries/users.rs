//! The owner of an email, unknown ids, updates, and what reads see.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use user_proto::v1::{UpdateUserRequest, UpdateUserResponse};
use user_service::invalid::Invalid;
use user_service::parts::Parts;
use user_service::store::{ListQuery, Page, StoreError};
use user_service::user::{Changes, NewUser, User, UserStatus};
use user_service::validate;
use uuid::Uuid;

use super::parts;
use crate::entry::Entry;
use crate::store::{Inner, Twist, twist};
use crate::wire;

pub fn entries() -> Vec<Entry> {
    let mut all = owners();
    all.extend(unknown());
    all.extend(updates());
    all.extend(moments());
    all.extend(reads());
    all
}

fn now_and_then(time: Duration) -> tokio::time::Timeout<std::future::Pending<()>> {
    tokio::time::timeout(time, std::future::pending())
}

/// Emails that are made to look different before they are compared.
struct Renamed(fn(&str) -> String);

#[async_trait]
impl Twist for Renamed {
    async fn create(&self, inner: &Inner, mut user: NewUser) -> Result<User, StoreError> {
        user.email = (self.0)(&user.email);
        inner.create(user).await
    }
}

/// A taken email is no reason to fail: its owner is answered.
struct Upsert;

#[async_trait]
impl Twist for Upsert {
    async fn create(&self, inner: &Inner, user: NewUser) -> Result<User, StoreError> {
        let changes = Changes {
            name: Some(user.name.clone()),
            ..Changes::default()
        };
        let email = user.email.clone();
        match inner.create(user).await {
            Err(StoreError::EmailTaken) => {
                let owner = find(inner, &email).await?;
                inner.update(owner.id, changes).await
            }
            other => other,
        }
    }
}

async fn find(inner: &Inner, email: &str) -> Result<User, StoreError> {
    let filter = user_service::filter::Filter {
        email: Some(email.to_ascii_lowercase()),
        ..Default::default()
    };
    let order = user_service::order::parse("").map_err(|_| StoreError::NotFound)?;
    let page = inner
        .list(ListQuery {
            filter,
            order,
            after: None,
            size: 1,
        })
        .await?;
    page.users.into_iter().next().ok_or(StoreError::NotFound)
}

/// An email stays taken when its owner is deleted or gives it up.
#[derive(Default)]
struct TakenForGood(Mutex<Vec<String>>);

impl TakenForGood {
    fn take(&self, email: &str) {
        self.0
            .lock()
            .expect("not poisoned")
            .push(email.to_ascii_lowercase());
    }

    fn is_taken(&self, email: &str) -> bool {
        self.0
            .lock()
            .expect("not poisoned")
            .contains(&email.to_ascii_lowercase())
    }
}

#[async_trait]
impl Twist for TakenForGood {
    async fn create(&self, inner: &Inner, user: NewUser) -> Result<User, StoreError> {
        if self.is_taken(&user.email) {
            return Err(StoreError::EmailTaken);
        }
        inner.create(user).await
    }

    async fn update(&self, inner: &Inner, id: Uuid, changes: Changes) -> Result<User, StoreError> {
        let before = inner.get(id).await?;
        let after = inner.update(id, changes).await?;
        if !before.email.eq_ignore_ascii_case(&after.email) {
            self.take(&before.email);
        }
        Ok(after)
    }

    async fn delete(&self, inner: &Inner, id: Uuid) -> Result<(), StoreError> {
        let before = inner.get(id).await?;
        self.take(&before.email);
        inner.delete(id).await
    }
}

/// An update to a taken email is dropped in silence.
struct SilentConflict;

#[async_trait]
impl Twist for SilentConflict {
    async fn update(&self, inner: &Inner, id: Uuid, changes: Changes) -> Result<User, StoreError> {
        match inner.update(id, changes).await {
            Err(StoreError::EmailTaken) => inner.get(id).await,
            other => other,
        }
    }
}

/// A user's own email in other letter case counts as taken.
struct OwnIsTaken;

#[async_trait]
impl Twist for OwnIsTaken {
    async fn update(&self, inner: &Inner, id: Uuid, changes: Changes) -> Result<User, StoreError> {
        if let Some(email) = &changes.email
            && find(inner, email).await.is_ok()
        {
            return Err(StoreError::EmailTaken);
        }
        inner.update(id, changes).await
    }
}

fn owners() -> Vec<Entry> {
    vec![
        parts(
            "owner-by-bytes",
            "USR-7",
            "emails are compared by their bytes",
            |_, it| {
                // Letters in upper case are spelled so that nothing but the same spelling is equal.
                twist(
                    it,
                    Renamed(|it| {
                        it.chars()
                            .flat_map(|letter| {
                                if letter.is_ascii_uppercase() {
                                    vec!['\u{2063}', letter]
                                } else {
                                    vec![letter]
                                }
                            })
                            .collect()
                    }),
                );
            },
        ),
        parts(
            "owner-nobody",
            "USR-7",
            "an email may belong to many",
            |_, it| {
                twist(it, Renamed(|it| format!("{it}{}", Uuid::new_v4().simple())));
            },
        ),
        parts(
            "owner-unicode-case",
            "USR-7",
            "emails are compared without regard to any letter's case",
            |_, it| {
                twist(it, Renamed(|it| it.to_lowercase().to_uppercase()));
            },
        ),
        parts(
            "owner-of-a-box",
            "USR-7",
            "dots, tags and quotes before the @ do not count",
            |_, it| {
                twist(
                    it,
                    Renamed(|it| match it.split_once('@') {
                        Some((local, domain)) => {
                            let local = local
                                .split('+')
                                .next()
                                .unwrap_or_default()
                                .replace(['.', '"', '-', '_', '%'], "");
                            format!("{local}@{}", domain.trim_end_matches('.'))
                        }
                        None => it.to_owned(),
                    }),
                );
            },
        ),
        parts(
            "owner-upsert",
            "USR-7",
            "a create with a taken email updates its owner",
            |_, it| twist(it, Upsert),
        ),
        parts(
            "owner-for-good",
            "USR-7",
            "an email is never free again",
            |_, it| twist(it, TakenForGood::default()),
        ),
        parts(
            "owner-update-silent",
            "USR-7",
            "an update to a taken email is dropped in silence",
            |_, it| twist(it, SilentConflict),
        ),
        parts(
            "owner-not-its-own",
            "USR-7",
            "a user's own email in other letter case is taken",
            |_, it| twist(it, OwnIsTaken),
        ),
        parts(
            "owner-other-code",
            "USR-7",
            "a taken email gives INVALID_ARGUMENT",
            |_, it| {
                it.rules.refusal = |refusal| match user_service::status::of(refusal) {
                    status if status.code() == tonic::Code::AlreadyExists => {
                        tonic::Status::invalid_argument("email is taken")
                    }
                    status => status,
                };
            },
        ),
    ]
}

/// A delete of nobody succeeds.
struct DeleteNobody;

#[async_trait]
impl Twist for DeleteNobody {
    async fn delete(&self, inner: &Inner, id: Uuid) -> Result<(), StoreError> {
        match inner.delete(id).await {
            Err(StoreError::NotFound) => Ok(()),
            other => other,
        }
    }
}

/// Deleted users are marked, and still found by their id.
#[derive(Default)]
struct Marked(Mutex<HashMap<Uuid, User>>);

#[async_trait]
impl Twist for Marked {
    async fn get(&self, inner: &Inner, id: Uuid) -> Result<User, StoreError> {
        let marked = self.0.lock().expect("not poisoned").get(&id).cloned();
        marked.map_or(inner.get(id).await, Ok)
    }

    async fn update(&self, inner: &Inner, id: Uuid, changes: Changes) -> Result<User, StoreError> {
        let marked = self.0.lock().expect("not poisoned").get(&id).cloned();
        marked.map_or(inner.update(id, changes).await, Ok)
    }

    async fn delete(&self, inner: &Inner, id: Uuid) -> Result<(), StoreError> {
        let user = self.get(inner, id).await?;
        let deleted = inner.delete(id).await;
        self.0.lock().expect("not poisoned").insert(id, user);
        deleted.or(Ok(()))
    }
}

/// A delete removes everybody of the same name.
struct DeleteNamesakes;

#[async_trait]
impl Twist for DeleteNamesakes {
    async fn delete(&self, inner: &Inner, id: Uuid) -> Result<(), StoreError> {
        inner.delete(id).await?;
        let order = user_service::order::parse("").map_err(|_| StoreError::NotFound)?;
        let everybody = ListQuery {
            filter: user_service::filter::Filter::default(),
            order,
            after: None,
            size: 100,
        };
        for user in inner.list(everybody).await?.users {
            let _ = inner.delete(user.id).await;
        }
        Ok(())
    }
}

fn unknown() -> Vec<Entry> {
    vec![
        parts(
            "id-strict-shape",
            "USR-8",
            "an id of another shape gives INVALID_ARGUMENT",
            |_, it| {
                for method in ["/GetUser", "/UpdateUser", "/DeleteUser"] {
                    wire::statuses(it, method, |code, message| {
                        if code == 5 {
                            (3, "id is invalid".to_owned())
                        } else {
                            (code, message.to_owned())
                        }
                    });
                }
            },
        ),
        parts(
            "id-delete-nobody",
            "USR-8",
            "a delete of nobody succeeds",
            |_, it| twist(it, DeleteNobody),
        ),
        parts(
            "id-marked",
            "USR-8",
            "deleted users are still found",
            |_, it| twist(it, Marked::default()),
        ),
        parts(
            "id-delete-many",
            "USR-8",
            "a delete removes others too",
            |_, it| twist(it, DeleteNamesakes),
        ),
        parts(
            "id-no-field-no-look",
            "USR-8",
            "an update without any field succeeds for anybody",
            |_, it| {
                wire::statuses(it, "/UpdateUser", |code, message| {
                    if code == 5 {
                        (0, String::new())
                    } else {
                        (code, message.to_owned())
                    }
                });
            },
        ),
    ]
}

fn on_update(it: &mut Parts, change: fn(&mut UpdateUserRequest)) {
    wire::requests::<UpdateUserRequest>(it, "/UpdateUser", change);
}

/// Non-empty metadata is merged into what is there.
struct Merged;

#[async_trait]
impl Twist for Merged {
    async fn update(
        &self,
        inner: &Inner,
        id: Uuid,
        mut changes: Changes,
    ) -> Result<User, StoreError> {
        if let Some(metadata) = &mut changes.metadata {
            let mut all = inner.get(id).await?.metadata;
            all.append(metadata);
            *metadata = all;
        }
        inner.update(id, changes).await
    }
}

/// What is absent is reset.
struct Replaced;

#[async_trait]
impl Twist for Replaced {
    async fn update(
        &self,
        inner: &Inner,
        id: Uuid,
        mut changes: Changes,
    ) -> Result<User, StoreError> {
        changes.status.get_or_insert(UserStatus::Active);
        changes.metadata.get_or_insert_default();
        inner.update(id, changes).await
    }
}

/// A suspended user stays suspended.
struct Final;

#[async_trait]
impl Twist for Final {
    async fn update(
        &self,
        inner: &Inner,
        id: Uuid,
        mut changes: Changes,
    ) -> Result<User, StoreError> {
        if inner.get(id).await?.status == UserStatus::Suspended {
            changes.status = None;
        }
        inner.update(id, changes).await
    }
}

fn updates() -> Vec<Entry> {
    vec![
        parts(
            "update-first-field",
            "USR-9",
            "only the first field present is changed",
            |_, it| {
                on_update(it, |it| {
                    if it.email.is_some() {
                        it.name = None;
                        it.status = None;
                        it.metadata.clear();
                    }
                });
            },
        ),
        parts(
            "update-resets",
            "USR-9",
            "status and metadata are reset when they are absent",
            |_, it| twist(it, Replaced),
        ),
        parts(
            "update-needs-a-field",
            "USR-9",
            "an update without any field is refused",
            |_, it| {
                wire::refuse(it, "UpdateUser", user_proto_is_bare);
            },
        ),
        parts(
            "update-suspends-for-good",
            "USR-9",
            "a suspended user stays so",
            |_, it| twist(it, Final),
        ),
        parts(
            "update-status-0",
            "USR-9",
            "status UNSPECIFIED counts as absent",
            |_, it| {
                on_update(it, |it| {
                    if it.status == Some(0) {
                        it.status = None;
                    }
                });
            },
        ),
        parts(
            "update-status-any",
            "USR-9",
            "an unknown status means ACTIVE",
            |_, it| {
                it.rules.status = |number| {
                    validate::status(number).or(if number == 0 {
                        Err(Invalid::Status)
                    } else {
                        Ok(UserStatus::Active)
                    })
                };
            },
        ),
        parts(
            "update-status-byte",
            "USR-9",
            "a status is cut to a byte",
            |_, it| {
                it.rules.status = |number| validate::status(number & 0xff);
            },
        ),
        parts("update-merges", "USR-9", "metadata is merged", |_, it| {
            twist(it, Merged);
        }),
        parts(
            "update-empty-absent",
            "USR-9",
            "an empty email or a blank name counts as absent",
            |_, it| {
                on_update(it, |it| {
                    it.email = it.email.take().filter(|it| !it.is_empty());
                    it.name = it.name.take().filter(|it| !it.trim().is_empty());
                });
            },
        ),
        parts(
            "update-email-unchecked",
            "USR-9",
            "an email is not validated in an update",
            |_, it| {
                on_update(it, |it| {
                    it.email = it.email.take().map(|it| {
                        if it.is_empty() {
                            it
                        } else {
                            format!("{}@valid.example", Uuid::new_v4().simple())
                        }
                    });
                });
            },
        ),
        parts(
            "update-name-unchecked",
            "USR-9",
            "a name is not validated in an update",
            |_, it| {
                on_update(it, |it| {
                    it.name = it.name.take().map(|it| {
                        if it.trim().is_empty() {
                            it
                        } else {
                            "Valid".to_owned()
                        }
                    });
                });
            },
        ),
        parts(
            "update-metadata-unchecked",
            "USR-9",
            "metadata is not validated in an update",
            |_, it| {
                on_update(it, |it| {
                    if !it.metadata.is_empty() {
                        it.metadata = [("valid".to_owned(), "yes".to_owned())].into();
                    }
                });
            },
        ),
        parts(
            "update-nothing",
            "USR-9",
            "an update changes nothing",
            |_, it| {
                on_update(it, |it| {
                    *it = UpdateUserRequest {
                        id: std::mem::take(&mut it.id),
                        ..Default::default()
                    };
                });
            },
        ),
    ]
}

/// A message with an id and nothing else: one field, as long as the message.
fn user_proto_is_bare(body: &[u8]) -> bool {
    matches!(body, [10, length, rest @ ..] if usize::from(*length) == rest.len())
}

/// Fields are changed one by one.
struct OneByOne;

#[async_trait]
impl Twist for OneByOne {
    async fn update(&self, inner: &Inner, id: Uuid, changes: Changes) -> Result<User, StoreError> {
        let Changes {
            email,
            name,
            status,
            metadata,
        } = changes;
        let name = Changes {
            name,
            metadata,
            ..Changes::default()
        };
        inner.update(id, name).await?;
        inner
            .update(
                id,
                Changes {
                    email,
                    status,
                    ..Changes::default()
                },
            )
            .await
    }
}

fn answered_update(it: &mut Parts, change: fn(&mut UpdateUserResponse)) {
    wire::answers::<UpdateUserResponse>(it, "/UpdateUser", change);
}

fn moments() -> Vec<Entry> {
    vec![
        parts(
            "moment-of-seconds",
            "USR-10",
            "updated_at is kept in seconds",
            |_, it| {
                answered_update(it, |it| {
                    if let Some(time) = it.user.as_mut().and_then(|it| it.updated_at.as_mut()) {
                        time.nanos = 0;
                    }
                });
            },
        ),
        parts(
            "moment-never-moves",
            "USR-10",
            "updated_at never moves",
            |_, it| {
                answered_update(it, |it| {
                    if let Some(user) = &mut it.user {
                        user.updated_at = user.created_at;
                    }
                });
            },
        ),
        parts(
            "moment-of-creation-moves",
            "USR-10",
            "created_at moves with every update",
            |_, it| {
                answered_update(it, |it| {
                    if let Some(user) = &mut it.user {
                        user.created_at = user.updated_at;
                    }
                });
            },
        ),
        parts(
            "refused-half-done",
            "USR-10",
            "a refused update has changed what came before",
            |_, it| {
                // Validation of email and status comes when the name is stored already.
                it.rules.email = |_, _| Ok(());
                twist(it, LateCheck);
            },
        ),
        parts(
            "refused-one-by-one",
            "USR-10",
            "fields are changed one by one",
            |_, it| twist(it, OneByOne),
        ),
        parts(
            "refused-create-takes",
            "USR-10",
            "a refused create has taken its email",
            |_, it| {
                it.rules.name = |_, _| Ok(());
                it.rules.metadata = |_, _| Ok(());
                it.rules.password = |_, _| Ok(());
                twist(it, InsertFirst);
            },
        ),
        parts(
            "refused-create-upserts",
            "USR-10",
            "a refused create changes the owner of its email",
            |_, it| twist(it, RefusedUpsert),
        ),
        parts(
            "refused-status-half-done",
            "USR-10",
            "a refused status comes after the other fields",
            |_, it| {
                it.rules.status =
                    |number| Ok(validate::status(number).unwrap_or(UserStatus::Suspended));
                it.rules.metadata = |_, _| Ok(());
                wire::statuses(it, "/UpdateUser", |code, message| {
                    (if code == 0 { 3 } else { code }, message.to_owned())
                });
            },
        ),
    ]
}

/// The name is stored, then the email is validated.
struct LateCheck;

#[async_trait]
impl Twist for LateCheck {
    async fn update(
        &self,
        inner: &Inner,
        id: Uuid,
        mut changes: Changes,
    ) -> Result<User, StoreError> {
        let email = changes.email.take();
        let user = inner.update(id, changes).await?;
        match email {
            Some(email)
                if validate::email(&user_service::rules::Limits::default(), &email).is_err() =>
            {
                Err(StoreError::EmailTaken)
            }
            Some(email) => {
                inner
                    .update(
                        user.id,
                        Changes {
                            email: Some(email),
                            ..Changes::default()
                        },
                    )
                    .await
            }
            None => Ok(user),
        }
    }
}

/// The user is stored, then its fields are validated.
struct InsertFirst;

#[async_trait]
impl Twist for InsertFirst {
    async fn create(&self, inner: &Inner, user: NewUser) -> Result<User, StoreError> {
        let limits = user_service::rules::Limits::default();
        let valid = validate::name(&limits, &user.name).is_ok()
            && validate::metadata(&limits, &user.metadata).is_ok();
        let user = NewUser {
            name: user.name.replace(char::is_control, "-"),
            metadata: user_service::user::Metadata::default(),
            ..user
        };
        let stored = inner.create(user).await?;
        if valid {
            Ok(stored)
        } else {
            Err(StoreError::EmailTaken)
        }
    }
}

/// A create with a taken email is refused, and changes the owner all the same.
struct RefusedUpsert;

#[async_trait]
impl Twist for RefusedUpsert {
    async fn create(&self, inner: &Inner, user: NewUser) -> Result<User, StoreError> {
        let email = user.email.clone();
        let changes = Changes {
            name: Some(user.name.clone()),
            ..Changes::default()
        };
        let created = inner.create(user).await;
        if matches!(created, Err(StoreError::EmailTaken)) {
            let owner = find(inner, &email).await?;
            inner.update(owner.id, changes).await?;
        }
        created
    }
}

/// A user that was read is read from memory for as long as the program runs, but for changes made here.
#[derive(Default)]
pub struct Cached(Mutex<HashMap<Uuid, User>>);

impl Cached {
    fn keep(&self, user: &User) {
        self.0
            .lock()
            .expect("not poisoned")
            .insert(user.id, user.clone());
    }
}

#[async_trait]
impl Twist for Cached {
    async fn get(&self, inner: &Inner, id: Uuid) -> Result<User, StoreError> {
        let known = self.0.lock().expect("not poisoned").get(&id).cloned();
        if let Some(user) = known {
            return Ok(user);
        }
        let user = inner.get(id).await?;
        self.keep(&user);
        Ok(user)
    }

    async fn update(&self, inner: &Inner, id: Uuid, changes: Changes) -> Result<User, StoreError> {
        let user = inner.update(id, changes).await?;
        self.keep(&user);
        Ok(user)
    }

    async fn delete(&self, inner: &Inner, id: Uuid) -> Result<(), StoreError> {
        self.0.lock().expect("not poisoned").remove(&id);
        inner.delete(id).await
    }
}

/// A change is acknowledged, and stored some time later.
pub struct WriteBehind(pub Duration);

#[async_trait]
impl Twist for WriteBehind {
    async fn update(&self, inner: &Inner, id: Uuid, changes: Changes) -> Result<User, StoreError> {
        let mut user = inner.get(id).await?;
        let later = (inner.clone(), changes.clone(), self.0);
        tokio::spawn(async move {
            let (inner, changes, time) = later;
            let _ = now_and_then(time).await;
            let _ = inner.update(id, changes).await;
        });
        user.name = changes.name.unwrap_or(user.name);
        user.email = changes.email.unwrap_or(user.email);
        user.status = changes.status.unwrap_or(user.status);
        user.metadata = changes.metadata.unwrap_or(user.metadata);
        user.updated_at += Duration::from_micros(1);
        Ok(user)
    }

    async fn delete(&self, inner: &Inner, id: Uuid) -> Result<(), StoreError> {
        inner.get(id).await?;
        let (inner, time) = (inner.clone(), self.0);
        tokio::spawn(async move {
            let _ = now_and_then(time).await;
            let _ = inner.delete(id).await;
        });
        Ok(())
    }
}

/// Lists are read from memory for a second.
#[derive(Default)]
struct CachedLists(Mutex<HashMap<String, (std::time::Instant, Page)>>);

#[async_trait]
impl Twist for CachedLists {
    async fn list(&self, inner: &Inner, query: ListQuery) -> Result<Page, StoreError> {
        let key = format!("{query:?}");
        let known = self.0.lock().expect("not poisoned").get(&key).cloned();
        if let Some((at, page)) = known
            && at.elapsed() < Duration::from_secs(1)
        {
            return Ok(page);
        }
        let page = inner.list(query).await?;
        self.0
            .lock()
            .expect("not poisoned")
            .insert(key, (std::time::Instant::now(), page.clone()));
        Ok(page)
    }
}

/// Reads the user, changes it, writes all of it back.
struct ReadModifyWrite;

#[async_trait]
impl Twist for ReadModifyWrite {
    async fn update(&self, inner: &Inner, id: Uuid, changes: Changes) -> Result<User, StoreError> {
        let user = inner.get(id).await?;
        let _ = now_and_then(Duration::from_millis(2)).await;
        inner
            .update(
                id,
                Changes {
                    email: Some(changes.email.unwrap_or(user.email)),
                    name: Some(changes.name.unwrap_or(user.name)),
                    status: Some(changes.status.unwrap_or(user.status)),
                    metadata: Some(changes.metadata.unwrap_or(user.metadata)),
                },
            )
            .await
    }
}

fn reads() -> Vec<Entry> {
    vec![
        parts(
            "reads-cached",
            "USR-11",
            "users are kept in each process",
            |_, it| twist(it, Cached::default()),
        ),
        parts(
            "reads-cached-lists",
            "USR-11",
            "lists are kept for a second",
            |_, it| twist(it, CachedLists::default()),
        ),
        parts(
            "reads-behind",
            "USR-11",
            "changes are stored after they are acknowledged",
            |_, it| twist(it, WriteBehind(Duration::from_millis(30))),
        ),
        parts(
            "reads-modify-write",
            "USR-11",
            "updates read, change and write all fields back",
            |_, it| twist(it, ReadModifyWrite),
        ),
        parts(
            "reads-marked",
            "USR-11",
            "deleted users are still read",
            |_, it| twist(it, Marked::default()),
        ),
    ]
}
