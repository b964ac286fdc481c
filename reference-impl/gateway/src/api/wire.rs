//! What clients get as JSON (GWY-2).

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike as _, SecondsFormat, Utc};
use prost_types::Timestamp;
use serde::Serialize;
use user_proto::v1::{self, ListUsersResponse};
use utoipa::ToSchema;

use crate::problem::Problem;
use crate::rules::Rules;

/// One user, as an answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserAnswer {
    user: User,
}

/// A page of users, as an answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct UsersAnswer {
    users: Vec<User>,
    /// For the next page; empty on the last.
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
    /// None.
    #[serde(rename = "USER_STATUS_UNSPECIFIED")]
    Unspecified,
    /// In use.
    #[serde(rename = "USER_STATUS_ACTIVE")]
    Active,
    /// Not in use.
    #[serde(rename = "USER_STATUS_INACTIVE")]
    Inactive,
    /// Kept from use.
    #[serde(rename = "USER_STATUS_SUSPENDED")]
    Suspended,
}

impl UserAnswer {
    /// The answer with this user, if it is one.
    pub fn new(rules: &Rules, user: Option<v1::User>) -> Result<Self, Problem> {
        let user = user.ok_or_else(|| Problem::bad_answer("the answer holds no user"))?;
        User::new(rules, user).map(|user| Self { user })
    }
}

impl UsersAnswer {
    /// The answer with this page, if all on it are users.
    pub fn new(rules: &Rules, page: ListUsersResponse) -> Result<Self, Problem> {
        let users = page.users.into_iter().map(|user| User::new(rules, user));
        Ok(Self {
            users: users.collect::<Result<_, _>>()?,
            next_page_token: page.next_page_token,
            total_count: page.total_count,
        })
    }
}

impl User {
    fn new(rules: &Rules, user: v1::User) -> Result<Self, Problem> {
        if user.id.is_empty() {
            return Err(Problem::bad_answer("a user has no id"));
        }
        let status = v1::UserStatus::try_from(user.status)
            .map_err(|_| Problem::bad_answer("a user has an unknown status"))?;
        let time = |time: Option<Timestamp>| {
            time.and_then(|time| (rules.timestamp)(&time))
                .ok_or_else(|| Problem::bad_answer("a user has a time that cannot be written"))
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

/// RFC 3339 in UTC, to the microsecond, or to the nanosecond where there is one; none outside the
/// years that RFC 3339 can write.
pub fn timestamp(time: &Timestamp) -> Option<String> {
    let nanos = u32::try_from(time.nanos).ok()?;
    // chrono would take more for a leap second.
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
    fn check_refused(spoil: fn(&mut v1::User)) {
        let mut user = ada();
        spoil(&mut user);
        let problem = UserAnswer::new(&Rules::default(), Some(user)).expect_err("no user");
        assert_eq!(problem.status.as_u16(), 500);
        assert_eq!(problem.message, "internal server error");
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
        let answer = UserAnswer::new(&Rules::default(), Some(ada())).expect("a user");
        let expected = json!({ "user": {
            "id": "1",
            "email": "a@b",
            "name": "Ada",
            "status": "USER_STATUS_ACTIVE",
            "created_at": "2023-11-14T22:13:20.000005Z",
            "updated_at": "2023-11-14T22:13:20.000005Z",
            "metadata": {},
        }});
        assert_eq!(serde_json::to_value(answer).expect("JSON"), expected);
    }

    #[test]
    fn an_empty_page_has_every_member() {
        let answer = UsersAnswer::new(&Rules::default(), ListUsersResponse::default());
        let expected = json!({ "users": [], "next_page_token": "", "total_count": 0 });
        assert_eq!(
            serde_json::to_value(answer.expect("a page")).expect("JSON"),
            expected
        );
    }

    #[test]
    fn what_is_no_user_is_not_passed_on() {
        check_refused(|it| it.id.clear());
        check_refused(|it| it.status = 7);
        check_refused(|it| it.created_at = None);
        check_refused(|it| it.updated_at.as_mut().expect("a time").nanos = -1);
        UserAnswer::new(&Rules::default(), None).expect_err("no user at all");
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
