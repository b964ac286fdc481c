//! Overhead of the gateway's breaker and request ids: its routes in this process over an immediate user service,
//! compared with the same routes without a breaker and with a constant request id.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::HeaderValue;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Json, Router};
use criterion::Criterion;
use futures::future::FutureExt as _;
use gateway::admission::{self, Admission};
use gateway::api;
use gateway::api::parameters::PathId;
use gateway::api::response_body::UserResponse;
use gateway::request_context::RequestContext;
use gateway::settings::Settings;
use gateway::upstream::Upstream;
use gateway::user_service::UserService;
use platform::environment::Environment;
use platform::request_id::{self, RequestId};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::Status;
use tower::ServiceExt as _;
use user_proto::v1::{
    CreateUserRequest, CreateUserResponse, DeleteUserRequest, GetUserRequest, GetUserResponse,
    ListUsersRequest, ListUsersResponse, UpdateUserRequest, UpdateUserResponse, User,
};
use uuid::Uuid;

use crate::cpu_time::Process;
use crate::fixture::Fixture;
use crate::table::Table;
use crate::throughput::{Workload, measure_alternately};

/// The number of concurrent callers.
pub const CALLERS: u64 = 16;

const NAME: &str = "breaker and request id";

/// Measures the routes with and without breaker and request ids; `gateway` is the CPU time of the whole gateway per
/// call.
pub fn bench(
    criterion: &mut Criterion,
    fixture: &Fixture,
    table: &mut Table,
    gateway: Option<Duration>,
) {
    let workloads = [true, false].map(|is_complete| workload(routes(is_complete)));
    let Some([with, without]) = measure_alternately(criterion, fixture, NAME, CALLERS, &workloads)
    else {
        return;
    };
    let (with, without) = (
        with.cpu_time(&[Process::Callers]),
        without.cpu_time(&[Process::Callers]),
    );
    let routes = ("routes without both", without);
    table.add_durations((NAME, "CPU, in one process"), with, routes, "");
    if let Some(gateway) = gateway {
        let overhead = with.saturating_sub(without);
        let gateway = ("whole gateway", gateway);
        table.add_durations((NAME, "CPU, overhead"), overhead, gateway, "at most 0.03");
    }
}

/// An operation that sends a GET to these routes.
fn workload(routes: Router) -> Workload {
    Arc::new(move |number| {
        let id = Uuid::from_u64_pair(0, number);
        let request = Request::get(format!("/api/v1/users/{id}")).body(Body::empty());
        let response = routes.clone().oneshot(request.expect("a request"));
        async move {
            let response = response.await?;
            anyhow::ensure!(response.status().is_success(), "{}", response.status());
            Ok(())
        }
        .boxed()
    })
}

/// The routes of the gateway; if not `is_complete`, without the breaker and with a constant request id.
fn routes(is_complete: bool) -> Router {
    let settings = Settings::read(&Environment::default()).expect("defaults are valid");
    let users: Arc<dyn UserService> = Arc::new(ImmediateUserService);
    let admission = Admission {
        request_timeout: settings.request_timeout,
        in_flight: TaskTracker::new(),
        stopping: CancellationToken::new(),
    };
    let api = if is_complete {
        api::router(Arc::new(Upstream::new(users, &settings)))
    } else {
        let without_breaker = async move |Extension(context): Extension<RequestContext>,
                                          PathId(id): PathId| {
            let response = users.get_user(&context, GetUserRequest { id }).await;
            UserResponse::new(response.ok().and_then(|response| response.user)).map(Json)
        };
        Router::new().route("/api/v1/users/{id}", get(without_breaker))
    };
    let routes = api
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(admission, admission::admit));
    if is_complete {
        routes.layer(from_fn(request_id::assign))
    } else {
        routes.layer(from_fn(assign_constant_id))
    }
}

async fn assign_constant_id(mut request: Request, next: Next) -> Response {
    let id = RequestId(HeaderValue::from_static("one"));
    request.extensions_mut().insert(id);
    next.run(request).await
}

/// Immediately returns a user for every id.
struct ImmediateUserService;

#[async_trait]
impl UserService for ImmediateUserService {
    async fn get_user(
        &self,
        _: &RequestContext,
        request: GetUserRequest,
    ) -> Result<GetUserResponse, Status> {
        Ok(GetUserResponse {
            user: Some(User {
                id: request.id,
                email: "ada@example.com".to_owned(),
                name: "Ada".to_owned(),
                status: 1,
                created_at: Some(prost_types::Timestamp::default()),
                updated_at: Some(prost_types::Timestamp::default()),
                ..User::default()
            }),
        })
    }

    async fn create_user(
        &self,
        _: &RequestContext,
        _: CreateUserRequest,
    ) -> Result<CreateUserResponse, Status> {
        Err(unimplemented())
    }

    async fn update_user(
        &self,
        _: &RequestContext,
        _: UpdateUserRequest,
    ) -> Result<UpdateUserResponse, Status> {
        Err(unimplemented())
    }

    async fn delete_user(&self, _: &RequestContext, _: DeleteUserRequest) -> Result<(), Status> {
        Err(unimplemented())
    }

    async fn list_users(
        &self,
        _: &RequestContext,
        _: ListUsersRequest,
    ) -> Result<ListUsersResponse, Status> {
        Err(unimplemented())
    }
}

fn unimplemented() -> Status {
    Status::unimplemented("only GetUser is implemented")
}
