//! The routes.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use futures::future::BoxFuture;
use tonic::Status;
use user_proto::v1::{
    CreateUserRequest, DeleteUserRequest, GetUserRequest, ListUsersRequest, UpdateUserRequest,
};

use super::Gateway;
use super::body::{CreateUser, JsonBody, UpdateUser};
use super::parse::{ListParameters, PathId};
use super::wire::{UserAnswer, UsersAnswer};
use crate::guarded::Failure;
use crate::intake::Context;
use crate::problem::Problem;
use crate::user_service::{Call, UserService};

impl Gateway {
    /// Makes a call for a request.
    async fn call<T>(
        &self,
        context: &Context,
        send: impl for<'a> Fn(&'a dyn UserService, &'a Call) -> BoxFuture<'a, Result<T, Status>>,
    ) -> Result<T, Problem> {
        let answer = self.users.call(&context.method, &context.call, send).await;
        answer.map_err(|failure| match failure {
            Failure::Status(status) => (self.rules.problem)(&status),
            Failure::Open(open) => Problem::breaker_open(open),
        })
    }
}

/// One page of users.
#[utoipa::path(
    get,
    path = "/api/v1/users",
    params(ListParameters),
    responses((status = 200, description = "A page of users", body = UsersAnswer))
)]
pub async fn list_users(
    State(gateway): State<Arc<Gateway>>,
    context: Context,
    parameters: Result<Query<ListParameters>, QueryRejection>,
) -> Result<Json<UsersAnswer>, Problem> {
    let Query(parameters) = parameters.map_err(|error| Problem::bad_request(error.body_text()))?;
    let request = parameters.into_request(&gateway.rules)?;
    let answer = gateway
        .call(&context, |users, call| {
            users.list_users(call, ListUsersRequest::clone(&request))
        })
        .await?;
    UsersAnswer::new(&gateway.rules, answer).map(Json)
}

/// A new user.
#[utoipa::path(
    post,
    path = "/api/v1/users",
    request_body = CreateUser,
    responses((status = 201, description = "The new user", body = UserAnswer))
)]
pub async fn create_user(
    State(gateway): State<Arc<Gateway>>,
    context: Context,
    JsonBody(body): JsonBody<CreateUser>,
) -> Result<(StatusCode, Json<UserAnswer>), Problem> {
    let request = CreateUserRequest::from(body);
    let answer = gateway
        .call(&context, |users, call| {
            users.create_user(call, request.clone())
        })
        .await?;
    let user = UserAnswer::new(&gateway.rules, answer.user)?;
    Ok((StatusCode::CREATED, Json(user)))
}

/// The user with this id.
#[utoipa::path(
    get,
    path = "/api/v1/users/{id}",
    params(("id" = String, Path)),
    responses((status = 200, description = "The user", body = UserAnswer))
)]
pub async fn get_user(
    State(gateway): State<Arc<Gateway>>,
    context: Context,
    PathId(id): PathId,
) -> Result<Json<UserAnswer>, Problem> {
    let request = GetUserRequest { id };
    let answer = gateway
        .call(&context, |users, call| {
            users.get_user(call, request.clone())
        })
        .await?;
    UserAnswer::new(&gateway.rules, answer.user).map(Json)
}

/// Changes the members that are given.
#[utoipa::path(
    put,
    path = "/api/v1/users/{id}",
    params(("id" = String, Path)),
    request_body = UpdateUser,
    responses((status = 200, description = "The user as it is now", body = UserAnswer))
)]
pub async fn update_user(
    State(gateway): State<Arc<Gateway>>,
    context: Context,
    PathId(id): PathId,
    JsonBody(body): JsonBody<UpdateUser>,
) -> Result<Json<UserAnswer>, Problem> {
    let request: UpdateUserRequest = body.into_request(&gateway.rules, id)?;
    let answer = gateway
        .call(&context, |users, call| {
            users.update_user(call, request.clone())
        })
        .await?;
    UserAnswer::new(&gateway.rules, answer.user).map(Json)
}

/// Deletes the user with this id.
#[utoipa::path(
    delete,
    path = "/api/v1/users/{id}",
    params(("id" = String, Path)),
    responses((status = 204, description = "There is no such user any more"))
)]
pub async fn delete_user(
    State(gateway): State<Arc<Gateway>>,
    context: Context,
    PathId(id): PathId,
) -> Result<StatusCode, Problem> {
    let request = DeleteUserRequest { id };
    gateway
        .call(&context, |users, call| {
            users.delete_user(call, request.clone())
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
