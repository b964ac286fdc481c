//! From users to messages.

use chrono::{DateTime, Utc};
use prost_types::Timestamp;
use user_proto::v1;

use crate::user::{User, UserStatus};

impl From<User> for v1::User {
    fn from(user: User) -> Self {
        Self {
            id: user.id.to_string(),
            email: user.email,
            name: user.name,
            status: status_number(user.status),
            created_at: Some(timestamp(user.created_at)),
            updated_at: Some(timestamp(user.updated_at)),
            metadata: user.metadata,
        }
    }
}

/// A status by its number on the wire.
pub fn status_number(status: UserStatus) -> i32 {
    let status = match status {
        UserStatus::Active => v1::UserStatus::Active,
        UserStatus::Inactive => v1::UserStatus::Inactive,
        UserStatus::Suspended => v1::UserStatus::Suspended,
    };
    status.into()
}

fn timestamp(time: DateTime<Utc>) -> Timestamp {
    Timestamp {
        seconds: time.timestamp(),
        nanos: i32::try_from(time.timestamp_subsec_nanos()).expect("less than two billion"),
    }
}
