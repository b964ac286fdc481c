//! The JSON that clients send (GWY-1, GWY-4, GWY-6).

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use user_proto::v1::{CreateUserRequest, UpdateUserRequest, UserStatus};
use utoipa::ToSchema;

use crate::api_error::ApiError;

/// A new user. A member that is missing or null counts as empty.
#[derive(Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
pub struct CreateUser {
    /// Required by the user service.
    email: Option<String>,
    /// Required by the user service.
    name: Option<String>,
    /// Never returned.
    password: Option<String>,
    /// Any texts by key.
    metadata: Option<BTreeMap<String, String>>,
}

/// Changes of a user. A member that is missing or null changes nothing.
#[derive(Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
pub struct UpdateUser {
    /// The new email.
    email: Option<String>,
    /// The new name.
    name: Option<String>,
    /// The new status by its name, such as `USER_STATUS_ACTIVE`.
    status: Option<String>,
    /// Replaces all metadata; empty changes nothing.
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
    /// The message of the call that updates the user with this id.
    pub fn into_request(self, id: String) -> Result<UpdateUserRequest, ApiError> {
        let status = self
            .status
            .map(|name| status(&name).ok_or_else(|| ApiError::bad_request("status is invalid")));
        Ok(UpdateUserRequest {
            id,
            email: self.email,
            name: self.name,
            status: status.transpose()?,
            metadata: self.metadata.unwrap_or_default(),
        })
    }
}

/// The number of the status with this name.
fn status(name: &str) -> Option<i32> {
    UserStatus::from_str_name(name).map(i32::from)
}

/// A body that is a JSON object; `Content-Type` is ignored.
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned, S: Sync + Send> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|error| ApiError::bad_request(error.body_text()))?;
        object(&bytes).map(Self)
    }
}

fn object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    // serde would accept a list of the members' values.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(ApiError::bad_request("the body is no JSON object"));
    }
    serde_json::from_slice(bytes)
        .map_err(|error| ApiError::bad_request(format!("the body cannot be used: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_create(json: &str, expected: Option<(&str, &str)>) {
        let found = object::<CreateUser>(json.as_bytes()).map(CreateUserRequest::from);
        let found = found.as_ref().ok();
        let found = found.map(|request| (request.email.as_str(), request.name.as_str()));
        assert_eq!(found, expected, "{json}");
    }

    #[track_caller]
    fn check_update(json: &str, expected: Result<UpdateUserRequest, &'static str>) {
        let body: UpdateUser = object(json.as_bytes()).expect("an object");
        let found = body.into_request("1".to_owned());
        assert_eq!(found, expected.map_err(ApiError::bad_request), "{json}");
    }

    #[test]
    fn a_missing_or_null_member_counts_as_empty() {
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
    fn a_body_that_is_no_object_or_has_a_wrong_type_is_refused() {
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
    fn only_members_that_are_present_change() {
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
        check_update(
            r#"{"name":""}"#,
            plain(|request| request.name = Some(String::new())),
        );
        check_update(
            r#"{"status":"USER_STATUS_SUSPENDED"}"#,
            plain(|request| request.status = Some(3)),
        );
        check_update(
            r#"{"status":"USER_STATUS_UNSPECIFIED"}"#,
            plain(|request| request.status = Some(0)),
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
