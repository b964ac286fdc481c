//! The calls of the user service over gRPC, on one connection.
//!
//! tonic's own channel is not used: it does not report whether a call was sent at all, and reports failures
//! of a connection like responses.
//!
//! - [`channel`]: the one connection, opened when it is needed and replaced when it is lost
//! - [`connection`]: sends requests
//! - [`response`]: checks responses
//! - [`transport_error`]: statuses of calls whose connection failed

pub mod channel;
pub mod connection;
pub mod response;
pub mod transport_error;

use std::time::Duration;

use async_trait::async_trait;
use platform::requests::{self, RequestStatus, SpanStart};
use platform::traces::{self, OpenSpan};
use tokio::time::Instant;
use tonic::metadata::AsciiMetadataValue;
use tonic::{Code, Request, Response, Status};
use user_proto::v1::user_service_client::UserServiceClient;
use user_proto::v1::{
    CreateUserRequest, CreateUserResponse, DeleteUserRequest, GetUserRequest, GetUserResponse,
    ListUsersRequest, ListUsersResponse, UpdateUserRequest, UpdateUserResponse,
};

pub use self::channel::Channel;
pub use self::transport_error::is_transport_error;
use crate::request_context::RequestContext;
use crate::user_service::UserService;

/// Makes calls on a channel.
pub struct Client {
    users: UserServiceClient<Channel>,
}

impl Client {
    /// A client of the user service behind `channel`.
    pub fn new(channel: Channel) -> Self {
        let origin = channel.origin();
        Self {
            // The body of a response is limited where its bytes arrive: tonic's own limit would look like a
            // status of the server.
            users: UserServiceClient::with_origin(channel, origin)
                .max_decoding_message_size(usize::MAX),
        }
    }

    /// Makes one call of the method with this path, in a span of its own (TRC-3).
    async fn call<M, R>(
        &self,
        path: &'static str,
        context: &RequestContext,
        message: M,
        send: impl AsyncFnOnce(UserServiceClient<Channel>, Request<M>) -> Result<Response<R>, Status>,
    ) -> Result<R, Status> {
        let mut request = request(context, message);
        let SpanStart { name, attributes } = requests::span_start(path);
        let span = OpenSpan::client(name, attributes);
        if let Some(span) = &span {
            traces::inject(&span.context(), request.metadata_mut().as_mut());
        }
        let result = send(self.users.clone(), request).await;
        if let Some(span) = span {
            let code = result.as_ref().map_or_else(Status::code, |_| Code::Ok);
            let status = RequestStatus::Grpc(code);
            span.note_end(status.attribute(), status.is_failure());
        }
        result.map(Response::into_inner)
    }
}

/// A message with the metadata of every call.
fn request<T>(context: &RequestContext, message: T) -> Request<T> {
    let mut request = Request::new(message);
    if let Ok(id) = AsciiMetadataValue::try_from(context.request_id.as_bytes()) {
        request.metadata_mut().insert("x-request-id", id);
    }
    // Never 0: servers differ in how they take it.
    let left = context.deadline.saturating_duration_since(Instant::now());
    request.set_timeout(left.max(Duration::from_millis(1)));
    request
}

#[async_trait]
impl UserService for Client {
    async fn create_user(
        &self,
        context: &RequestContext,
        message: CreateUserRequest,
    ) -> Result<CreateUserResponse, Status> {
        let path = "/user.v1.UserService/CreateUser";
        self.call(path, context, message, async |mut users, request| {
            users.create_user(request).await
        })
        .await
    }

    async fn get_user(
        &self,
        context: &RequestContext,
        message: GetUserRequest,
    ) -> Result<GetUserResponse, Status> {
        let path = "/user.v1.UserService/GetUser";
        self.call(path, context, message, async |mut users, request| {
            users.get_user(request).await
        })
        .await
    }

    async fn update_user(
        &self,
        context: &RequestContext,
        message: UpdateUserRequest,
    ) -> Result<UpdateUserResponse, Status> {
        let path = "/user.v1.UserService/UpdateUser";
        self.call(path, context, message, async |mut users, request| {
            users.update_user(request).await
        })
        .await
    }

    async fn delete_user(
        &self,
        context: &RequestContext,
        message: DeleteUserRequest,
    ) -> Result<(), Status> {
        let path = "/user.v1.UserService/DeleteUser";
        self.call(path, context, message, async |mut users, request| {
            users.delete_user(request).await
        })
        .await
    }

    async fn list_users(
        &self,
        context: &RequestContext,
        message: ListUsersRequest,
    ) -> Result<ListUsersResponse, Status> {
        let path = "/user.v1.UserService/ListUsers";
        self.call(path, context, message, async |mut users, request| {
            users.list_users(request).await
        })
        .await
    }
}
