//! USR-7: the owner of an email.

use std::sync::Mutex;

use async_trait::async_trait;
use user_service::filter::Filter;
use user_service::store::StoreError;
use user_service::user::{Changes, NewUser, User};
use uuid::Uuid;

use crate::entries::layered;
use crate::entry::Entry;
use crate::store::{Inner, Layer, OLDEST_FIRST, first, lock};

pub fn entries() -> Vec<Entry> {
    vec![
        layered(
            "owner-by-bytes",
            "USR-7",
            "emails are compared by their bytes",
            // Letters in upper case are spelled so that nothing but the same spelling is equal.
            Renamed(|email| {
                email
                    .chars()
                    .flat_map(|letter| {
                        if letter.is_ascii_uppercase() {
                            vec!['\u{2063}', letter]
                        } else {
                            vec![letter]
                        }
                    })
                    .collect()
            }),
        ),
        layered(
            "owner-nobody",
            "USR-7",
            "an email may belong to many",
            Renamed(|it| format!("{it}{}", Uuid::new_v4().simple())),
        ),
        layered(
            "owner-unicode-case",
            "USR-7",
            "emails are compared without regard to any letter's case",
            Renamed(|it| it.to_lowercase().to_uppercase()),
        ),
        layered(
            "owner-of-a-box",
            "USR-7",
            "dots, tags and quotes before the @ do not count",
            Renamed(|email| match email.split_once('@') {
                Some((local, domain)) => {
                    let local = local
                        .split('+')
                        .next()
                        .unwrap_or_default()
                        .replace(['.', '"', '-', '_', '%'], "");
                    format!("{local}@{}", domain.trim_end_matches('.'))
                }
                None => email.to_owned(),
            }),
        ),
        layered(
            "owner-upsert",
            "USR-7",
            "a create with a taken email updates its owner",
            Upsert,
        ),
        layered(
            "owner-for-good",
            "USR-7",
            "an email is never free again",
            TakenForGood::default(),
        ),
        layered(
            "owner-update-silent",
            "USR-7",
            "an update to a taken email is dropped in silence",
            SilentConflict,
        ),
        layered(
            "owner-not-its-own",
            "USR-7",
            "a user's own email in other letter case is taken",
            OwnIsTaken,
        ),
    ]
}

/// Emails that are made to look different before they are compared.
struct Renamed(fn(&str) -> String);

#[async_trait]
impl Layer for Renamed {
    async fn create(&self, inner: &Inner, mut user: NewUser) -> Result<User, StoreError> {
        user.email = (self.0)(&user.email);
        inner.create(user).await
    }
}

/// A taken email is no reason to fail: its owner is answered.
struct Upsert;

#[async_trait]
impl Layer for Upsert {
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

/// The owner of an email.
pub async fn find(inner: &Inner, email: &str) -> Result<User, StoreError> {
    let filter = Filter {
        email: Some(email.to_ascii_lowercase()),
        ..Default::default()
    };
    let found = first(inner, filter, OLDEST_FIRST, 1).await?;
    found.into_iter().next().ok_or(StoreError::NotFound)
}

/// An email stays taken when its owner is deleted or gives it up.
#[derive(Default)]
struct TakenForGood(Mutex<Vec<String>>);

impl TakenForGood {
    fn take(&self, email: &str) {
        lock(&self.0).push(email.to_ascii_lowercase());
    }

    fn is_taken(&self, email: &str) -> bool {
        lock(&self.0).contains(&email.to_ascii_lowercase())
    }
}

#[async_trait]
impl Layer for TakenForGood {
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
impl Layer for SilentConflict {
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
impl Layer for OwnIsTaken {
    async fn update(&self, inner: &Inner, id: Uuid, changes: Changes) -> Result<User, StoreError> {
        if let Some(email) = &changes.email
            && find(inner, email).await.is_ok()
        {
            return Err(StoreError::EmailTaken);
        }
        inner.update(id, changes).await
    }
}
