//! The routes.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use user_proto::v1::{CreateUserRequest, DeleteUserRequest, GetUserRequest};

use super::parameters::{ListParameters, PathId};
use super::request_body::{CreateUser, JsonBody, UpdateUser};
use super::response_body::{UserResponse, UsersResponse};
use crate::api_error::ApiError;
use crate::request_context::RequestContext;
use crate::upstream::Upstream;

/// One page of users.
#[utoipa::path(
    get,
    path = "/api/v1/users",
    params(ListParameters),
    responses((status = 200, description = "A page of users", body = UsersResponse))
)]
pub async fn list_users(
    State(upstream): State<Arc<Upstream>>,
    Extension(context): Extension<RequestContext>,
    parameters: Result<Query<ListParameters>, QueryRejection>,
) -> Result<Json<UsersResponse>, ApiError> {
    let Query(parameters) = parameters.map_err(|error| ApiError::bad_request(error.body_text()))?;
    let request = parameters.into_request()?;
    let page = upstream
        .call(&context, |users, context| {
            users.list_users(context, request.clone())
        })
        .await?;
    UsersResponse::new(page).map(Json)
}

/// A new user.
#[utoipa::path(
    post,
    path = "/api/v1/users",
    request_body = CreateUser,
    responses((status = 201, description = "The new user", body = UserResponse))
)]
pub async fn create_user(
    State(upstream): State<Arc<Upstream>>,
    Extension(context): Extension<RequestContext>,
    JsonBody(body): JsonBody<CreateUser>,
) -> Result<(StatusCode, Json<UserResponse>), ApiError> {
    let request = CreateUserRequest::from(body);
    let created = upstream
        .call(&context, |users, context| {
            users.create_user(context, request.clone())
        })
        .await?;
    let user = UserResponse::new(created.user)?;
    Ok((StatusCode::CREATED, Json(user)))
}

/// The user with this id.
#[utoipa::path(
    get,
    path = "/api/v1/users/{id}",
    params(("id" = String, Path)),
    responses((status = 200, description = "The user", body = UserResponse))
)]
pub async fn get_user(
    State(upstream): State<Arc<Upstream>>,
    Extension(context): Extension<RequestContext>,
    PathId(id): PathId,
) -> Result<Json<UserResponse>, ApiError> {
    let request = GetUserRequest { id };
    let found = upstream
        .call(&context, |users, context| {
            users.get_user(context, request.clone())
        })
        .await?;
    UserResponse::new(found.user).map(Json)
}

/// Changes the members that are present.
#[utoipa::path(
    put,
    path = "/api/v1/users/{id}",
    params(("id" = String, Path)),
    request_body = UpdateUser,
    responses((status = 200, description = "The user as it is now", body = UserResponse))
)]
pub async fn update_user(
    State(upstream): State<Arc<Upstream>>,
    Extension(context): Extension<RequestContext>,
    PathId(id): PathId,
    JsonBody(body): JsonBody<UpdateUser>,
) -> Result<Json<UserResponse>, ApiError> {
    let request = body.into_request(id)?;
    let updated = upstream
        .call(&context, |users, context| {
            users.update_user(context, request.clone())
        })
        .await?;
    UserResponse::new(updated.user).map(Json)
}

/// Deletes the user with this id.
#[utoipa::path(
    delete,
    path = "/api/v1/users/{id}",
    params(("id" = String, Path)),
    responses((status = 204, description = "The user is deleted"))
)]
pub async fn delete_user(
    State(upstream): State<Arc<Upstream>>,
    Extension(context): Extension<RequestContext>,
    PathId(id): PathId,
) -> Result<StatusCode, ApiError> {
    let request = DeleteUserRequest { id };
    upstream
        .call(&context, |users, context| {
            users.delete_user(context, request.clone())
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
