//! The cost of the gateway's breaker and request id: its own routes in this process, over a user service
//! that answers immediately, compared with the same routes without a breaker and with one id for all requests.

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
use gateway::api::parameters::PathId;
use gateway::api::response_body::UserResponse;
use gateway::request_context::RequestContext;
use gateway::request_ids::RequestId;
use gateway::settings::Settings;
use gateway::upstream::Upstream;
use gateway::user_service::UserService;
use gateway::{access_log, api, request_ids};
use platform::environment::Environment;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::Status;
use tower::ServiceExt as _;
use user_proto::v1::{
    CreateUserRequest, CreateUserResponse, DeleteUserRequest, GetUserRequest, GetUserResponse,
    ListUsersRequest, ListUsersResponse, UpdateUserRequest, UpdateUserResponse, User,
};
use uuid::Uuid;

use crate::concurrent::{Workload, in_turn};
use crate::fixture::Fixture;
use crate::processors::Who;
use crate::table::Table;

/// The number of concurrent callers.
pub const CALLERS: u64 = 16;

const WHAT: &str = "breaker and request id";

/// Measures the routes with and without them alternately; `gateway` is the processor time of the whole gateway for
/// one call.
pub fn bench(
    criterion: &mut Criterion,
    fixture: &Fixture,
    table: &mut Table,
    gateway: Option<Duration>,
) {
    let workloads = [true, false].map(|is_complete| workload(routes(is_complete)));
    let Some([with, without]) = in_turn(criterion, fixture, WHAT, CALLERS, &workloads) else {
        return;
    };
    let (with, without) = (with.cpu(&[Who::Callers]), without.cpu(&[Who::Callers]));
    let routes = ("routes without them", without);
    table.add_times((WHAT, "CPU, in one process"), with, routes, "");
    if let Some(gateway) = gateway {
        let cost = with.saturating_sub(without);
        let gateway = ("all of the gateway", gateway);
        table.add_times((WHAT, "CPU, added"), cost, gateway, "at most 0.03");
    }
}

fn workload(routes: Router) -> Workload {
    Arc::new(move |number| {
        let id = Uuid::from_u64_pair(0, number);
        let request = Request::get(format!("/api/v1/users/{id}")).body(Body::empty());
        let answer = routes.clone().oneshot(request.expect("a request"));
        async move {
            let answer = answer.await?;
            anyhow::ensure!(answer.status().is_success(), "{}", answer.status());
            Ok(())
        }
        .boxed()
    })
}

/// The routes of the gateway as it assembles them, with or without breaker and request ids.
fn routes(is_complete: bool) -> Router {
    let settings = Settings::read(&Environment::default()).expect("defaults are valid");
    let users: Arc<dyn UserService> = Arc::new(Immediate);
    let admission = Admission {
        request_timeout: settings.request_timeout,
        in_flight: TaskTracker::new(),
        stopping: CancellationToken::new(),
    };
    let api = if is_complete {
        api::router(Arc::new(Upstream::new(users, &settings)))
    } else {
        let direct = async move |Extension(context): Extension<RequestContext>,
                                 PathId(id): PathId| {
            let response = users.get_user(&context, GetUserRequest { id }).await;
            UserResponse::new(response.ok().and_then(|response| response.user)).map(Json)
        };
        Router::new().route("/api/v1/users/{id}", get(direct))
    };
    let routes = api
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(admission, admission::admit))
        .layer(from_fn(access_log::log_request));
    if is_complete {
        routes.layer(from_fn(request_ids::assign))
    } else {
        routes.layer(from_fn(one_for_all))
    }
}

async fn one_for_all(mut request: Request, next: Next) -> Response {
    let id = RequestId(HeaderValue::from_static("one"));
    request.extensions_mut().insert(id);
    next.run(request).await
}

/// A user service in which every id exists.
struct Immediate;

#[async_trait]
impl UserService for Immediate {
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
        Err(none())
    }

    async fn update_user(
        &self,
        _: &RequestContext,
        _: UpdateUserRequest,
    ) -> Result<UpdateUserResponse, Status> {
        Err(none())
    }

    async fn delete_user(&self, _: &RequestContext, _: DeleteUserRequest) -> Result<(), Status> {
        Err(none())
    }

    async fn list_users(
        &self,
        _: &RequestContext,
        _: ListUsersRequest,
    ) -> Result<ListUsersResponse, Status> {
        Err(none())
    }
}

fn none() -> Status {
    Status::unimplemented("only GetUser is measured")
}
