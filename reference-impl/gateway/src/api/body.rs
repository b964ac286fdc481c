//! What clients send as JSON (GWY-1, GWY-4, GWY-6).

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use user_proto::v1::{CreateUserRequest, UpdateUserRequest};
use utoipa::ToSchema;

use crate::problem::Problem;
use crate::rules::Rules;

/// A new user. What is missing or null counts as empty.
#[derive(Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
pub struct CreateUser {
    /// Required by the user service.
    email: Option<String>,
    /// Required by the user service.
    name: Option<String>,
    /// Never returned.
    password: Option<String>,
    /// Texts by name.
    metadata: Option<BTreeMap<String, String>>,
}

/// Changes of a user. What is missing or null stays as it is.
#[derive(Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
pub struct UpdateUser {
    /// The new email.
    email: Option<String>,
    /// The new name.
    name: Option<String>,
    /// The new status by its name, such as `USER_STATUS_ACTIVE`.
    status: Option<String>,
    /// All of the new metadata; empty, it stays as it is.
    metadata: Option<BTreeMap<String, String>>,
}

impl From<CreateUser> for CreateUserRequest {
    fn from(body: CreateUser) -> Self {
        Self {
            email: body.email.unwrap_or_default(),
            name: body.name.unwrap_or_default(),
            password: body.password.unwrap_or_default(),
            metadata: body.metadata.unwrap_or_default(),
        }
    }
}

impl UpdateUser {
    /// The call for the user with this id.
    pub fn into_request(self, rules: &Rules, id: String) -> Result<UpdateUserRequest, Problem> {
        let number = |name: String| {
            (rules.status)(&name).ok_or_else(|| Problem::bad_request("status is invalid"))
        };
        Ok(UpdateUserRequest {
            id,
            email: self.email,
            name: self.name,
            status: self.status.map(number).transpose()?,
            metadata: self.metadata.unwrap_or_default(),
        })
    }
}

/// A body that is a JSON object, whatever `Content-Type` says.
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned, S: Sync + Send> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|error| Problem::bad_request(error.body_text()))?;
        object(&bytes).map(Self)
    }
}

fn object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // serde would take a list for an object, its members in order.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(Problem::bad_request("the body is no JSON object"));
    }
    serde_json::from_slice(bytes)
        .map_err(|error| Problem::bad_request(format!("the body cannot be used: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_create(json: &str, expected: Option<(&str, &str)>) {
        let found = object::<CreateUser>(json.as_bytes()).map(CreateUserRequest::from);
        let found = found.as_ref().ok();
        let found = found.map(|it| (it.email.as_str(), it.name.as_str()));
        assert_eq!(found, expected, "{json}");
    }

    #[track_caller]
    fn check_update(json: &str, expected: Result<UpdateUserRequest, &'static str>) {
        let body: UpdateUser = object(json.as_bytes()).expect("an object");
        let found = body.into_request(&Rules::default(), "1".to_owned());
        assert_eq!(found, expected.map_err(Problem::bad_request), "{json}");
    }

    #[test]
    fn what_is_missing_or_null_counts_as_empty() {
        check_create(r#"{"email":"a@b","name":"Ada"}"#, Some(("a@b", "Ada")));
        check_create(
            r#" {"email":"a@b","name":null,"metadata":null}"#,
            Some(("a@b", "")),
        );
        check_create("{}", Some(("", "")));
    }

    #[test]
    fn an_unknown_member_is_ignored() {
        check_create(r#"{"name":"Ada","role":{"deep":[1]}}"#, Some(("", "Ada")));
    }

    #[test]
    fn what_is_no_object_or_has_a_wrong_type_is_refused() {
        for json in [
            "",
            "null",
            "[]",
            r#"["a@b","Ada"]"#,
            r#""text""#,
            "{",
            r#"{"email":1}"#,
            r#"{"name":["Ada"]}"#,
            r#"{"metadata":[]}"#,
            r#"{"metadata":{"a":1}}"#,
            r#"{"name":"\ud800"}"#,
        ] {
            check_create(json, None);
        }
    }

    #[test]
    fn only_members_that_are_given_change() {
        let plain = |change: fn(&mut UpdateUserRequest)| {
            let mut request = UpdateUserRequest {
                id: "1".to_owned(),
                ..UpdateUserRequest::default()
            };
            change(&mut request);
            Ok(request)
        };
        check_update("{}", plain(|_| {}));
        check_update(
            r#"{"email":null,"status":null,"metadata":null}"#,
            plain(|_| {}),
        );
        check_update(r#"{"name":""}"#, plain(|it| it.name = Some(String::new())));
        check_update(
            r#"{"status":"USER_STATUS_SUSPENDED"}"#,
            plain(|it| it.status = Some(3)),
        );
        check_update(
            r#"{"status":"USER_STATUS_UNSPECIFIED"}"#,
            plain(|it| it.status = Some(0)),
        );
    }

    #[test]
    fn an_unknown_status_is_refused() {
        for name in ["ACTIVE", "user_status_active", "", "1"] {
            let json = format!(r#"{{"status":"{name}"}}"#);
            check_update(&json, Err("status is invalid"));
        }
    }
}
