//! USR-7: an email belongs to at most one user.

use std::sync::Mutex;

use async_trait::async_trait;
use user_service::filter::Filter;
use user_service::store::StoreError;
use user_service::user::{Changes, NewUser, User};
use uuid::Uuid;

use crate::entries::store_mutant;
use crate::mutant::Mutant;
use crate::store::{Inner, OLDEST_FIRST, StoreLayer, first_users, lock};

pub fn mutants() -> Vec<Mutant> {
    vec![
        store_mutant(
            "owner-by-bytes",
            "USR-7",
            "emails are compared case-sensitively",
            // Marks upper-case letters, so that only emails in the same letter case are equal.
            ChangeEmail(|email| {
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
        store_mutant(
            "owner-nowhere",
            "USR-7",
            "several users may have the same email",
            ChangeEmail(|it| format!("{it}{}", Uuid::new_v4().simple())),
        ),
        store_mutant(
            "owner-unicode-case",
            "USR-7",
            "emails are compared ignoring the case of all Unicode letters",
            ChangeEmail(|it| it.to_lowercase().to_uppercase()),
        ),
        store_mutant(
            "owner-of-a-box",
            "USR-7",
            "dots, tags and quotes before the @ are ignored when emails are compared",
            ChangeEmail(|email| match email.split_once('@') {
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
        store_mutant(
            "owner-upsert",
            "USR-7",
            "a create with a taken email updates the user who has it",
            UpsertByEmail,
        ),
        store_mutant(
            "owner-forever",
            "USR-7",
            "the email of a deleted or changed user stays taken",
            NeverFreesEmails::default(),
        ),
        store_mutant(
            "owner-update-silent",
            "USR-7",
            "an update to a taken email succeeds without a change",
            IgnoresConflict,
        ),
        store_mutant(
            "owner-not-its-own",
            "USR-7",
            "a user's own email in other letter case counts as taken",
            OwnEmailIsTaken,
        ),
    ]
}

/// Changes the email of every new user with this function.
struct ChangeEmail(fn(&str) -> String);

#[async_trait]
impl StoreLayer for ChangeEmail {
    async fn create(&self, inner: &Inner, mut user: NewUser) -> Result<User, StoreError> {
        user.email = (self.0)(&user.email);
        inner.create(user).await
    }
}

/// Updates the user who has the email instead of refusing a create.
struct UpsertByEmail;

#[async_trait]
impl StoreLayer for UpsertByEmail {
    async fn create(&self, inner: &Inner, user: NewUser) -> Result<User, StoreError> {
        let changes = Changes {
            name: Some(user.name.clone()),
            ..Changes::default()
        };
        let email = user.email.clone();
        match inner.create(user).await {
            Err(StoreError::EmailTaken) => {
                let owner = find_by_email(inner, &email).await?;
                inner.update(owner.id, changes).await
            }
            other => other,
        }
    }
}

/// Finds the user who has an email.
pub async fn find_by_email(inner: &Inner, email: &str) -> Result<User, StoreError> {
    let filter = Filter {
        email: Some(email.to_ascii_lowercase()),
        ..Default::default()
    };
    let found = first_users(inner, filter, OLDEST_FIRST, 1).await?;
    found.into_iter().next().ok_or(StoreError::NotFound)
}

/// Keeps the emails of deleted and changed users taken.
#[derive(Default)]
struct NeverFreesEmails(Mutex<Vec<String>>);

impl NeverFreesEmails {
    fn mark_taken(&self, email: &str) {
        lock(&self.0).push(email.to_ascii_lowercase());
    }

    fn is_taken(&self, email: &str) -> bool {
        lock(&self.0).contains(&email.to_ascii_lowercase())
    }
}

#[async_trait]
impl StoreLayer for NeverFreesEmails {
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
            self.mark_taken(&before.email);
        }
        Ok(after)
    }

    async fn delete(&self, inner: &Inner, id: Uuid) -> Result<(), StoreError> {
        let before = inner.get(id).await?;
        self.mark_taken(&before.email);
        inner.delete(id).await
    }
}

/// Ignores an update to a taken email and returns the unchanged user.
struct IgnoresConflict;

#[async_trait]
impl StoreLayer for IgnoresConflict {
    async fn update(&self, inner: &Inner, id: Uuid, changes: Changes) -> Result<User, StoreError> {
        match inner.update(id, changes).await {
            Err(StoreError::EmailTaken) => inner.get(id).await,
            other => other,
        }
    }
}

/// Refuses an update to an email that any user has, also the updated user.
struct OwnEmailIsTaken;

#[async_trait]
impl StoreLayer for OwnEmailIsTaken {
    async fn update(&self, inner: &Inner, id: Uuid, changes: Changes) -> Result<User, StoreError> {
        if let Some(email) = &changes.email
            && find_by_email(inner, email).await.is_ok()
        {
            return Err(StoreError::EmailTaken);
        }
        inner.update(id, changes).await
    }
}
