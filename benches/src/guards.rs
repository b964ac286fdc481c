//! What the gateway's breaker and request id cost: its own routes in this process, over a user service
//! that answers at once, beside the same without a breaker and with one id for all.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::HeaderValue;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use criterion::Criterion;
use futures::future::FutureExt as _;
use gateway::access_log;
use gateway::api::parse::PathId;
use gateway::api::wire::UserAnswer;
use gateway::api::{self, Gateway};
use gateway::guarded::Guarded;
use gateway::intake::{self, Context, Intake};
use gateway::request_ids::{self, RequestId};
use gateway::rules::Rules;
use gateway::settings::Settings;
use gateway::user_service::{Call, UserService};
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

use crate::crowd::{Act, in_turn};
use crate::processors::Who;
use crate::stage::Stage;
use crate::table::Table;

/// How many call at once.
pub const CALLERS: u64 = 16;

const WHAT: &str = "breaker and request id";

/// Measures both in turn; `gateway` is the processor time of the whole gateway for a call.
pub fn bench(
    criterion: &mut Criterion,
    stage: &Stage,
    table: &mut Table,
    gateway: Option<Duration>,
) {
    let acts = [true, false].map(|are_guarded| act(routes(are_guarded)));
    let Some([with, without]) = in_turn(criterion, stage, WHAT, CALLERS, &acts) else {
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

fn act(routes: Router) -> Act {
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

/// The routes of the gateway as it puts them together, with its guards or with such as do nothing.
fn routes(are_guarded: bool) -> Router {
    let rules = Rules::default();
    let settings = Settings::read(&Environment::default()).expect("defaults are valid");
    let users: Arc<dyn UserService> = Arc::new(AtOnce);
    let intake = Intake {
        body_bytes: rules.body_bytes,
        request_timeout: settings.request_timeout,
        in_flight: TaskTracker::new(),
        stopping: CancellationToken::new(),
    };
    let gateway = Arc::new(Gateway {
        users: Guarded::new(users.clone(), rules.breaker, rules.retry, &settings),
        rules,
    });
    let api = if are_guarded {
        api::router(gateway)
    } else {
        let unguarded = async move |context: Context, PathId(id): PathId| {
            let answer = users.get_user(&context.call, GetUserRequest { id }).await;
            let user = answer.ok().and_then(|it| it.user);
            UserAnswer::new(&Rules::default(), user).map(Json)
        };
        Router::new()
            .route("/api/v1/users/{id}", get(unguarded))
            .with_state(gateway)
    };
    let routes = api
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(intake, intake::take_in))
        .layer(from_fn(access_log::log_request));
    if are_guarded {
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

/// Knows every user.
struct AtOnce;

#[async_trait]
impl UserService for AtOnce {
    async fn get_user(&self, _: &Call, request: GetUserRequest) -> Result<GetUserResponse, Status> {
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
        _: &Call,
        _: CreateUserRequest,
    ) -> Result<CreateUserResponse, Status> {
        Err(none())
    }

    async fn update_user(
        &self,
        _: &Call,
        _: UpdateUserRequest,
    ) -> Result<UpdateUserResponse, Status> {
        Err(none())
    }

    async fn delete_user(&self, _: &Call, _: DeleteUserRequest) -> Result<(), Status> {
        Err(none())
    }

    async fn list_users(&self, _: &Call, _: ListUsersRequest) -> Result<ListUsersResponse, Status> {
        Err(none())
    }
}

fn none() -> Status {
    Status::unimplemented("it is only asked for users")
}
