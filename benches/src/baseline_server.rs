//! The empty call and the empty route: a plain tonic server and a plain axum server, in a separate process like the
//! subject.

use std::net::SocketAddr;

use anyhow::Context as _;
use axum::Router;
use axum::routing::get;
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio_stream::Empty;
use tonic::transport::Server;
use tonic::{Request, Response, Status};
use user_proto::v1::user_service_server::{UserService, UserServiceServer};
use user_proto::v1::{
    CreateUserRequest, CreateUserResponse, DeleteUserRequest, GetUserRequest, GetUserResponse,
    ListUsersRequest, ListUsersResponse, UpdateUserRequest, UpdateUserResponse, User,
};

/// Serves gRPC on the address that is the first argument and HTTP on the second, until it is killed.
pub fn main(arguments: &[String]) -> anyhow::Result<()> {
    let [grpc, http] = arguments else {
        anyhow::bail!("the baseline server needs two addresses");
    };
    let (grpc, http): (SocketAddr, SocketAddr) = (grpc.parse()?, http.parse()?);
    tokio::runtime::Runtime::new()?.block_on(async {
        let calls = Server::builder().add_service(UserServiceServer::new(Nothing));
        let routes = Router::new().route("/api/v1/users/{id}", get(async || ()));
        let listener = TcpListener::bind(http)
            .await
            .context("no port for routes")?;
        let listener = listener.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        tokio::try_join!(async { anyhow::Ok(calls.serve(grpc).await?) }, async {
            anyhow::Ok(axum::serve(listener, routes).await?)
        },)?;
        Ok(())
    })
}

/// Answers GetUser with an empty message.
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
    Status::unimplemented("the baseline server has the empty call only")
}
