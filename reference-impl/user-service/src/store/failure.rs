//! What an error of PostgreSQL means for the caller.

use sqlx::Error;
use sqlx::error::DatabaseError;

use super::StoreError;

/// The index that keeps emails apart (USR-7).
const EMAIL_INDEX: &str = "users_email_key";

/// What a failed statement means (USR-18).
pub(super) fn of_statement(error: Error) -> StoreError {
    match &error {
        Error::RowNotFound => StoreError::NotFound,
        Error::Database(refusal) if refusal.constraint() == Some(EMAIL_INDEX) => {
            StoreError::EmailTaken
        }
        Error::Database(refusal) if !is_passing(&**refusal) => StoreError::Refused(error.into()),
        Error::Database(_) => StoreError::Unavailable(error.into()),
        _ if is_of_connection(&error) => StoreError::Unavailable(error.into()),
        _ => StoreError::Refused(error.into()),
    }
}

/// A database that refuses connections for any reason counts as unreachable.
pub(super) fn of_connecting(error: Error) -> StoreError {
    StoreError::Unavailable(error.into())
}

/// Whether a connection can be used again after this error: a statement was refused, no more.
pub(super) fn is_harmless(error: &Error) -> bool {
    match error {
        Error::RowNotFound => true,
        Error::Database(refusal) => !is_passing(&**refusal) || has_code(&**refusal, "57014"),
        _ => false,
    }
}

fn is_of_connection(error: &Error) -> bool {
    matches!(
        error,
        Error::Io(_) | Error::Tls(_) | Error::Protocol(_) | Error::WorkerCrashed
    )
}

/// Connection lost (08), too many connections, cancelled for taking too long, shutting down (57P).
fn is_passing(refusal: &dyn DatabaseError) -> bool {
    ["08", "53300", "57014", "57P"]
        .iter()
        .any(|class| has_code(refusal, class))
}

fn has_code(refusal: &dyn DatabaseError, class: &str) -> bool {
    refusal.code().is_some_and(|code| code.starts_with(class))
}
