//! What a request may hold (USR-2 to USR-6, USR-9), with the contract's messages.

use std::collections::BTreeMap;

use tonic::Status;
use user_proto::v1::{CreateUserRequest, UpdateUserRequest, UserStatus};

use crate::model::{email_is_valid, metadata_is_valid, name_is_valid};

/// `INVALID_ARGUMENT` with this message unless `valid`.
pub fn ensure(valid: bool, message: &str) -> Result<(), Status> {
    if valid {
        Ok(())
    } else {
        Err(Status::invalid_argument(message))
    }
}

/// Whether a user may be created like this.
pub fn create(request: &CreateUserRequest) -> Result<(), Status> {
    email(&request.email)?;
    name(&request.name)?;
    metadata(&request.metadata)?;
    let length = request.password.chars().count();
    ensure(
        length == 0 || (8..=128).contains(&length),
        "password is invalid",
    )
}

/// Whether a user may be changed like this.
pub fn update(request: &UpdateUserRequest) -> Result<(), Status> {
    id(&request.id)?;
    request.email.as_deref().map_or(Ok(()), email)?;
    request.name.as_deref().map_or(Ok(()), name)?;
    if let Some(status) = request.status {
        let known = UserStatus::try_from(status).is_ok_and(|it| it != UserStatus::Unspecified);
        ensure(known, "status is invalid")?;
    }
    metadata(&request.metadata)
}

/// Whether this can be an id.
pub fn id(id: &str) -> Result<(), Status> {
    ensure(!id.is_empty(), "id is required")
}

fn email(email: &str) -> Result<(), Status> {
    ensure(!email.is_empty(), "email is required")?;
    ensure(email_is_valid(email), "email is invalid")
}

fn name(name: &str) -> Result<(), Status> {
    ensure(!name.chars().all(char::is_whitespace), "name is required")?;
    ensure(name_is_valid(name), "name is invalid")
}

fn metadata(metadata: &BTreeMap<String, String>) -> Result<(), Status> {
    ensure(metadata_is_valid(metadata.iter()), "metadata is invalid")
}
