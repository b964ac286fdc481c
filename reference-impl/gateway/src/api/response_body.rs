//! The JSON that clients get (GWY-2).

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike as _, SecondsFormat, Utc};
use prost_types::Timestamp;
use serde::Serialize;
use user_proto::v1::{self, ListUsersResponse};
use utoipa::ToSchema;

use crate::api_error::ApiError;

/// One user.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserResponse {
    user: User,
}

/// A page of users.
#[derive(Debug, Serialize, ToSchema)]
pub struct UsersResponse {
    users: Vec<User>,
    /// Token of the next page; empty on the last.
    next_page_token: String,
    /// How many users match the filter.
    total_count: i32,
}

/// A user.
#[derive(Debug, Serialize, ToSchema)]
pub struct User {
    id: String,
    email: String,
    name: String,
    status: Status,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
    metadata: BTreeMap<String, String>,
}

/// A user's status, by the name that the enum has.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = UserStatus)]
pub enum Status {
    /// Not set.
    #[serde(rename = "USER_STATUS_UNSPECIFIED")]
    Unspecified,
    /// In use.
    #[serde(rename = "USER_STATUS_ACTIVE")]
    Active,
    /// Not in use.
    #[serde(rename = "USER_STATUS_INACTIVE")]
    Inactive,
    /// Barred from use.
    #[serde(rename = "USER_STATUS_SUSPENDED")]
    Suspended,
}

impl UserResponse {
    /// The response with this user, if the user is valid.
    pub fn new(user: Option<v1::User>) -> Result<Self, ApiError> {
        let user = user.ok_or_else(|| ApiError::invalid_response("the response holds no user"))?;
        User::new(user).map(|user| Self { user })
    }
}

impl UsersResponse {
    /// The response with this page, if all its users are valid.
    pub fn new(page: ListUsersResponse) -> Result<Self, ApiError> {
        let users = page.users.into_iter().map(User::new);
        Ok(Self {
            users: users.collect::<Result<_, _>>()?,
            next_page_token: page.next_page_token,
            total_count: page.total_count,
        })
    }
}

impl User {
    fn new(user: v1::User) -> Result<Self, ApiError> {
        if user.id.is_empty() {
            return Err(ApiError::invalid_response("a user has no id"));
        }
        let status = v1::UserStatus::try_from(user.status)
            .map_err(|_| ApiError::invalid_response("a user has an unknown status"))?;
        let time = |time: Option<Timestamp>| {
            time.and_then(|time| timestamp(&time))
                .ok_or_else(|| ApiError::invalid_response("a user has an invalid time"))
        };
        Ok(Self {
            id: user.id,
            email: user.email,
            name: user.name,
            status: status.into(),
            created_at: time(user.created_at)?,
            updated_at: time(user.updated_at)?,
            metadata: user.metadata,
        })
    }
}

impl From<v1::UserStatus> for Status {
    fn from(status: v1::UserStatus) -> Self {
        match status {
            v1::UserStatus::Unspecified => Self::Unspecified,
            v1::UserStatus::Active => Self::Active,
            v1::UserStatus::Inactive => Self::Inactive,
            v1::UserStatus::Suspended => Self::Suspended,
        }
    }
}

/// RFC 3339 in UTC with microseconds, or nanoseconds where there are any; none outside the years of
/// RFC 3339.
fn timestamp(time: &Timestamp) -> Option<String> {
    let nanos = u32::try_from(time.nanos).ok()?;
    // chrono would accept more, as a leap second.
    let time = (nanos < 1_000_000_000)
        .then(|| DateTime::<Utc>::from_timestamp(time.seconds, nanos))
        .flatten()
        .filter(|time| (1..=9999).contains(&time.year()))?;
    let precision = if nanos.is_multiple_of(1000) {
        SecondsFormat::Micros
    } else {
        SecondsFormat::Nanos
    };
    Some(time.to_rfc3339_opts(precision, true))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check_time(seconds: i64, nanos: i32, expected: Option<&str>) {
        let found = timestamp(&Timestamp { seconds, nanos });
        assert_eq!(found.as_deref(), expected);
    }

    #[track_caller]
    fn check_invalid(invalidate: fn(&mut v1::User)) {
        let mut user = ada();
        invalidate(&mut user);
        let error = UserResponse::new(Some(user)).expect_err("no user");
        assert_eq!(error.status.as_u16(), 500);
        assert_eq!(error.message, "internal server error");
    }

    fn ada() -> v1::User {
        let time = Timestamp {
            seconds: 1_700_000_000,
            nanos: 5_000,
        };
        v1::User {
            id: "1".to_owned(),
            email: "a@b".to_owned(),
            name: "Ada".to_owned(),
            status: 1,
            created_at: Some(time),
            updated_at: Some(time),
            metadata: BTreeMap::new(),
        }
    }

    #[test]
    fn a_user_has_every_member() {
        let response = UserResponse::new(Some(ada())).expect("a user");
        let expected = json!({ "user": {
            "id": "1",
            "email": "a@b",
            "name": "Ada",
            "status": "USER_STATUS_ACTIVE",
            "created_at": "2023-11-14T22:13:20.000005Z",
            "updated_at": "2023-11-14T22:13:20.000005Z",
            "metadata": {},
        }});
        assert_eq!(serde_json::to_value(response).expect("JSON"), expected);
    }

    #[test]
    fn an_empty_page_has_every_member() {
        let response = UsersResponse::new(ListUsersResponse::default());
        let expected = json!({ "users": [], "next_page_token": "", "total_count": 0 });
        assert_eq!(
            serde_json::to_value(response.expect("a page")).expect("JSON"),
            expected
        );
    }

    #[test]
    fn an_invalid_user_is_not_passed_on() {
        check_invalid(|user| user.id.clear());
        check_invalid(|user| user.status = 7);
        check_invalid(|user| user.created_at = None);
        check_invalid(|user| user.updated_at.as_mut().expect("a time").nanos = -1);
        UserResponse::new(None).expect_err("no user at all");
    }

    #[test]
    fn names_of_statuses_are_those_of_the_enum() {
        for number in 0..4 {
            let status = v1::UserStatus::try_from(number).expect("a status");
            let name = serde_json::to_value(Status::from(status)).expect("JSON");
            assert_eq!(name, status.as_str_name());
        }
    }

    #[test]
    fn times_are_written_as_rfc_3339_can() {
        check_time(0, 0, Some("1970-01-01T00:00:00.000000Z"));
        check_time(0, 1, Some("1970-01-01T00:00:00.000000001Z"));
        check_time(-62_135_596_800, 0, Some("0001-01-01T00:00:00.000000Z"));
        check_time(253_402_300_799, 0, Some("9999-12-31T23:59:59.000000Z"));
        check_time(-62_135_596_801, 0, None);
        check_time(253_402_300_800, 0, None);
        check_time(i64::MAX, 0, None);
        check_time(0, -1, None);
        check_time(0, 1_000_000_000, None);
    }
}
