//! The baseline server, in a separate process: an empty gRPC call of tonic, and an empty HTTP route of axum.

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

/// Serves gRPC on the first address and HTTP on the second until the process is killed.
pub fn main(arguments: &[String]) -> anyhow::Result<()> {
    let [grpc, http] = arguments else {
        anyhow::bail!("the baseline server takes two addresses");
    };
    let (grpc, http): (SocketAddr, SocketAddr) = (grpc.parse()?, http.parse()?);
    tokio::runtime::Runtime::new()?.block_on(async {
        let calls = Server::builder().add_service(UserServiceServer::new(EmptyUserService));
        let routes = Router::new().route("/api/v1/users/{id}", get(async || ()));
        let listener = TcpListener::bind(http)
            .await
            .context("cannot bind the port for HTTP")?;
        let listener = listener.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        tokio::try_join!(async { anyhow::Ok(calls.serve(grpc).await?) }, async {
            anyhow::Ok(axum::serve(listener, routes).await?)
        },)?;
        Ok(())
    })
}

/// Answers `GetUser` with an empty response, and no other call.
struct EmptyUserService;

#[tonic::async_trait]
impl UserService for EmptyUserService {
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
        Err(unimplemented())
    }

    async fn update_user(
        &self,
        _: Request<UpdateUserRequest>,
    ) -> Result<Response<UpdateUserResponse>, Status> {
        Err(unimplemented())
    }

    async fn delete_user(&self, _: Request<DeleteUserRequest>) -> Result<Response<()>, Status> {
        Err(unimplemented())
    }

    async fn list_users(
        &self,
        _: Request<ListUsersRequest>,
    ) -> Result<Response<ListUsersResponse>, Status> {
        Err(unimplemented())
    }

    async fn stream_users(
        &self,
        _: Request<ListUsersRequest>,
    ) -> Result<Response<Self::StreamUsersStream>, Status> {
        Err(unimplemented())
    }
}

fn unimplemented() -> Status {
    Status::unimplemented("the baseline server only has GetUser")
}
