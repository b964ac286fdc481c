//! A gateway to send requests to.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use gateway::dependencies::Dependencies;
use gateway::server;
use gateway::settings::Settings;
use gateway::user_service::UserService;
use platform::environment::Environment;
use platform::serving::Running;
use serde_json::Value;
use tower::ServiceExt as _;

/// Settings with these variables; nothing listens where the user service would be.
pub fn settings(variables: &[(&str, &str)]) -> Settings {
    let nowhere = [("USER_SERVICE_ADDR", "http://127.0.0.1:1")];
    let variables = nowhere.iter().chain(variables).copied();
    Settings::read(&variables.collect::<Environment>()).expect("settings")
}

/// A router that is not served.
pub struct Gateway {
    router: Router,
}

/// A response, whole.
#[derive(Debug)]
pub struct Response {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Gateway {
    /// A gateway that calls over gRPC.
    pub fn new(settings: &Settings) -> Self {
        Self::of(settings, Dependencies::new(settings))
    }

    /// A gateway that calls `users`.
    pub fn over(users: &Arc<impl UserService + 'static>, variables: &[(&str, &str)]) -> Self {
        let settings = settings(variables);
        let mut dependencies = Dependencies::new(&settings);
        dependencies.users = Arc::clone(users) as Arc<dyn UserService>;
        Self::of(&settings, dependencies)
    }

    fn of(settings: &Settings, dependencies: Dependencies) -> Self {
        let router = server::router(settings, dependencies, &Running::default());
        Self { router }
    }

    /// Sends a request without a body.
    pub async fn ask(&self, method: &str, path: &str) -> Response {
        self.send(request(method, path, Body::empty())).await
    }

    /// Sends a request.
    pub async fn send(&self, request: Request<Body>) -> Response {
        let answer = self.router.clone().oneshot(request).await;
        let (head, body) = answer.expect("a router answers").into_parts();
        let bytes = to_bytes(body, usize::MAX).await.expect("a body");
        Response {
            status: head.status,
            headers: head.headers,
            body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        }
    }
}

/// A request.
pub fn request(method: &str, path: &str, body: impl Into<Body>) -> Request<Body> {
    let request = Request::builder().method(method).uri(path);
    request.body(body.into()).expect("a request")
}

impl Response {
    /// Status and message of an error.
    #[track_caller]
    pub fn check_error(&self, status: u16, message: &str) {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        assert_eq!(self.body, serde_json::json!({ "error": message }));
        assert!(self.headers.contains_key("x-request-id"));
    }

    /// Status alone, and that an error is shaped as one.
    #[track_caller]
    pub fn check(&self, status: u16) {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        assert!(self.headers.contains_key("x-request-id"));
        if status >= 400 {
            assert!(self.body["error"].is_string(), "{self:?}");
            assert_eq!(self.body.as_object().map(serde_json::Map::len), Some(1));
        }
    }
}
