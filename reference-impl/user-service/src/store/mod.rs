//! Where users are kept.

mod changes;
mod connection;
mod failure;
mod list;
mod pool;
mod postgres;
mod row;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

pub use self::changes::{ChangeCursor, ChangeLog, Changed, PartialRead, PgChanges};
pub use self::connection::OpenConnection;
pub use self::pool::Pool;
pub(crate) use self::pool::with_statement_timeout;
pub use self::postgres::PgStore;
use crate::filter::Filter;
use crate::order::Order;
use crate::user::{Changes, NewUser, User};

/// Why an operation of the store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such user (USR-8).
    #[error("no such user")]
    NotFound,
    /// Another user has this email (USR-7).
    #[error("email is taken")]
    EmailTaken,
    /// The store cannot be reached or does not answer: try later (USR-18).
    #[error("store is unavailable: {0}")]
    Unavailable(#[source] Cause),
    /// The store refuses for reasons of its own: a person must look (USR-18).
    #[error("store refuses: {0}")]
    Refused(#[source] Cause),
}

/// What lies behind a [`StoreError`], for the log.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Keeps users. Once a call has returned, every later one on any instance sees what it did (USR-11).
/// A call may be dropped at any time; it may then have been done or not.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Adds a user (USR-1, USR-7).
    async fn create(&self, user: NewUser) -> Result<User, StoreError>;

    /// The user of this id (USR-8).
    async fn get(&self, id: Uuid) -> Result<User, StoreError>;

    /// Changes the fields that are present, and moves `updated_at` forward (USR-9, USR-10).
    async fn update(&self, id: Uuid, changes: Changes) -> Result<User, StoreError>;

    /// Removes a user; the email is free again (USR-7, USR-8).
    async fn delete(&self, id: Uuid) -> Result<(), StoreError>;

    /// One page of the users that match (USR-12 to USR-16).
    async fn list(&self, query: ListQuery) -> Result<Page, StoreError>;
}

/// A page that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListQuery {
    /// Which users.
    pub filter: Filter,
    /// In which order.
    pub order: Order,
    /// Where the page before ended.
    pub after: Option<KeysetCursor>,
    /// How many at most.
    pub size: u32,
}

/// A place in an order: that of a user, or of one that was there (USR-16).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeysetCursor {
    /// The user's value of the field that is sorted by.
    pub key: Key,
    /// The user's id, by which users that tie are sorted.
    pub id: Uuid,
}

/// A value of a field that users are sorted by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// Of `created_at` and `updated_at`.
    Time(DateTime<Utc>),
    /// Of `email` and `name`.
    Text(String),
}

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The users on it, in order.
    pub users: Vec<User>,
    /// Whether more follow.
    pub has_more: bool,
    /// How many users match the filter.
    pub total: i64,
}
