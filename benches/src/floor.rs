//! The empty call: tonic alone, as a program of its own like the subject.

use std::net::SocketAddr;

use anyhow::Context as _;
use tokio_stream::Empty;
use tonic::transport::Server;
use tonic::{Request, Response, Status};
use user_proto::v1::user_service_server::{UserService, UserServiceServer};
use user_proto::v1::{
    CreateUserRequest, CreateUserResponse, DeleteUserRequest, GetUserRequest, GetUserResponse,
    ListUsersRequest, ListUsersResponse, UpdateUserRequest, UpdateUserResponse, User,
};

/// Serves on the address that is the only argument, until it is killed.
pub fn main(arguments: &[String]) -> anyhow::Result<()> {
    let address: SocketAddr = arguments.first().context("an address")?.parse()?;
    let runtime = tokio::runtime::Runtime::new()?;
    let server = Server::builder().add_service(UserServiceServer::new(Nothing));
    Ok(runtime.block_on(server.serve(address))?)
}

/// Answers GetUser, with nothing.
struct Nothing;

#[tonic::async_trait]
impl UserService for Nothing {
    type StreamUsersStream = Empty<Result<User, Status>>;

    async fn get_user(
        &self,
        _: Request<GetUserRequest>,
    ) -> Result<Response<GetUserResponse>, Status> {
        Ok(Response::new(GetUserResponse::default()))
    }

    async fn create_user(
        &self,
        _: Request<CreateUserRequest>,
    ) -> Result<Response<CreateUserResponse>, Status> {
        Err(none())
    }

    async fn update_user(
        &self,
        _: Request<UpdateUserRequest>,
    ) -> Result<Response<UpdateUserResponse>, Status> {
        Err(none())
    }

    async fn delete_user(&self, _: Request<DeleteUserRequest>) -> Result<Response<()>, Status> {
        Err(none())
    }

    async fn list_users(
        &self,
        _: Request<ListUsersRequest>,
    ) -> Result<Response<ListUsersResponse>, Status> {
        Err(none())
    }

    async fn stream_users(
        &self,
        _: Request<ListUsersRequest>,
    ) -> Result<Response<Self::StreamUsersStream>, Status> {
        Err(none())
    }
}

fn none() -> Status {
    Status::unimplemented("the floor has the empty call only")
}
