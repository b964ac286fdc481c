//! Users, and what may be done to them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use crate::password::PasswordHash;

/// What a client attached to a user.
pub type Metadata = BTreeMap<String, String>;

/// A user as it is stored. The password's hash never leaves the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Made at creation; version 7, so that new ones stand together in the index.
    pub id: Uuid,
    /// As the client wrote it.
    pub email: String,
    /// As the client wrote it.
    pub name: String,
    /// Whether the user is active.
    pub status: UserStatus,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// What a client attached.
    pub metadata: Metadata,
}

/// Whether a user is active.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum UserStatus {
    /// As created.
    Active,
    /// Not used now.
    Inactive,
    /// Shut out.
    Suspended,
}

impl UserStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Active, Self::Inactive, Self::Suspended];

    /// Its name in filters and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Inactive => "INACTIVE",
            Self::Suspended => "SUSPENDED",
        }
    }

    /// The status of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

/// A user to be created.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// A valid email (USR-3).
    pub email: String,
    /// A valid name (USR-4).
    pub name: String,
    /// The hash of the password, if one was given (USR-6).
    pub password_hash: Option<PasswordHash>,
    /// Valid metadata (USR-5).
    pub metadata: Metadata,
}

/// What an update changes: the fields present (USR-9).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// A new email.
    pub email: Option<String>,
    /// A new name.
    pub name: Option<String>,
    /// A new status.
    pub status: Option<UserStatus>,
    /// What replaces all metadata.
    pub metadata: Option<Metadata>,
}
