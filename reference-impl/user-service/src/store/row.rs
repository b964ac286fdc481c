//! From a row to a user.

use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{FromRow, Row as _};

use crate::user::{User, UserStatus};

impl FromRow<'_, PgRow> for User {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let Json(metadata) = row.try_get("metadata")?;
        Ok(Self {
            id: row.try_get("id")?,
            email: row.try_get("email")?,
            name: row.try_get("name")?,
            status: status(row.try_get("status")?)?,
            created_at: row.try_get("created_at")?,
            updated_at: row.try_get("updated_at")?,
            metadata,
        })
    }
}

fn status(name: &str) -> sqlx::Result<UserStatus> {
    UserStatus::from_name(name)
        .ok_or_else(|| sqlx::Error::Decode(format!("unknown status {name:?}").into()))
}
