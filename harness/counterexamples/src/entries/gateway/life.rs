//! CFG: the environment and the life of a gateway.

use std::collections::HashMap;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use gateway::parts::Parts;
use gateway::server;
use gateway::settings::Settings;
use gateway::user_service::{Call, UserService};
use platform::environment::Environment;
use tonic::Status;
use user_proto::v1::{
    CreateUserRequest, CreateUserResponse, DeleteUserRequest, GetUserRequest, GetUserResponse,
    ListUsersRequest, ListUsersResponse, UpdateUserRequest, UpdateUserResponse,
};

use super::replaced;
use crate::entries::{pass, set};
use crate::entry::{Entry, How, Variables, plain};
use crate::store::lock;

/// Variables of the gateway alone that the suite may pass empty.
const EMPTY_IS_GARBAGE: [&str; 9] = [
    "USER_SERVICE_KEEPALIVE_TIME",
    "RETRY_MAX_ATTEMPTS",
    "RETRY_BASE_DELAY",
    "BREAKER_MAX_FAILURES",
    "BREAKER_RESET_TIMEOUT",
    "TLS_CERT_FILE",
    "USER_SERVICE_CA_FILE",
    "AUTH_JWKS_URL",
    "AUTH_JWKS_TTL",
];

/// Variables of the gateway alone that say how often, and for how long.
const GUARDS: [&str; 4] = [
    "RETRY_MAX_ATTEMPTS",
    "RETRY_BASE_DELAY",
    "BREAKER_MAX_FAILURES",
    "BREAKER_RESET_TIMEOUT",
];

pub fn entries() -> Vec<Entry> {
    let environment =
        |id, clause, wrong, spoil| Entry::of_gateway(id, clause, wrong, How::Environment(spoil));
    let life = |id, clause, wrong, live| Entry::of_gateway(id, clause, wrong, How::Life(live));
    vec![
        environment(
            "gateway-empty-guards",
            "CFG-1",
            "a variable of the gateway alone that is empty cannot be parsed",
            |it| {
                for name in EMPTY_IS_GARBAGE {
                    if it.get(name).is_some_and(String::is_empty) {
                        set(it, name, "an empty value");
                    }
                }
            },
        ),
        environment(
            "gateway-other-tries",
            "CFG-1",
            "the default number of tries is 5",
            |it| {
                if it.get("RETRY_MAX_ATTEMPTS").is_none_or(String::is_empty) {
                    set(it, "RETRY_MAX_ATTEMPTS", "5");
                }
            },
        ),
        environment(
            "gateway-garbage-guards",
            "CFG-2",
            "how often and for how long is not looked at until it is needed",
            |it| {
                it.retain(|name, value| value != "banana" || !GUARDS.contains(&name.as_str()));
            },
        ),
        life(
            "gateway-needs-user-service",
            "CFG-7",
            "it exits when it cannot connect at its start",
            |command, variables| {
                let address = variables.get("USER_SERVICE_ADDR").map_or("", |it| it);
                let address = address.trim_start_matches("http://").trim_end_matches('/');
                if command == "serve" && std::net::TcpStream::connect(address).is_err() {
                    return ExitCode::FAILURE;
                }
                plain(command, variables)
            },
        ),
        life(
            "gateway-stop-late",
            "CFG-8",
            "it goes on serving until SHUTDOWN_TIMEOUT is over",
            serve_on,
        ),
        replaced(
            "gateway-stateless-cached",
            "CFG-9",
            "each instance keeps what it has read",
            |it| {
                it.users = Arc::new(Cached {
                    inner: Arc::clone(&it.users),
                    users: Mutex::default(),
                });
            },
        ),
        replaced(
            "gateway-stateless-write-behind",
            "CFG-9",
            "a change is acknowledged half a second before it is made",
            |it| it.users = Arc::new(WriteBehind(Arc::clone(&it.users))),
        ),
        replaced(
            "gateway-reads-cached",
            "USR-11",
            "users are kept in the gateway",
            |it| {
                it.users = Arc::new(Cached {
                    inner: Arc::clone(&it.users),
                    users: Mutex::default(),
                });
            },
        ),
    ]
}

/// `serve` goes on as before until the time-out is over.
fn serve_on(command: &str, variables: Variables) -> ExitCode {
    if command != "serve" {
        return plain(command, variables);
    }
    let environment = Environment::from_iter(variables);
    let (log, _) = platform::logging::LogSettings::read(&environment);
    platform::logging::install(log);
    let Ok(settings) = Settings::read(&environment) else {
        return ExitCode::FAILURE;
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be made");
    runtime.block_on(async {
        let signals = platform::shutdown::signals().expect("signals can be caught");
        let parts = Parts::contract(&settings);
        let listeners = server::bind(&settings, &parts.rules).expect("the ports are free");
        let running = server::start(&settings, parts, listeners);
        signals.await;
        pass(settings.common.shutdown_timeout).await;
        drop(running);
    });
    runtime.shutdown_background();
    ExitCode::SUCCESS
}

/// A user that was read is read from memory for as long as the program runs, but for changes made here.
struct Cached {
    inner: Arc<dyn UserService>,
    users: Mutex<HashMap<String, GetUserResponse>>,
}

#[async_trait]
impl UserService for Cached {
    async fn create_user(
        &self,
        call: &Call,
        request: CreateUserRequest,
    ) -> Result<CreateUserResponse, Status> {
        self.inner.create_user(call, request).await
    }

    async fn get_user(
        &self,
        call: &Call,
        request: GetUserRequest,
    ) -> Result<GetUserResponse, Status> {
        let kept = lock(&self.users).get(&request.id).cloned();
        if let Some(kept) = kept {
            return Ok(kept);
        }
        let id = request.id.clone();
        let answer = self.inner.get_user(call, request).await?;
        lock(&self.users).insert(id, answer.clone());
        Ok(answer)
    }

    async fn update_user(
        &self,
        call: &Call,
        request: UpdateUserRequest,
    ) -> Result<UpdateUserResponse, Status> {
        let id = request.id.clone();
        let answer = self.inner.update_user(call, request).await?;
        let user = answer.user.clone();
        lock(&self.users).insert(id, GetUserResponse { user });
        Ok(answer)
    }

    async fn delete_user(&self, call: &Call, request: DeleteUserRequest) -> Result<(), Status> {
        lock(&self.users).remove(&request.id);
        self.inner.delete_user(call, request).await
    }

    async fn list_users(
        &self,
        call: &Call,
        request: ListUsersRequest,
    ) -> Result<ListUsersResponse, Status> {
        self.inner.list_users(call, request).await
    }
}

/// Changes are acknowledged as they will be, and made later.
struct WriteBehind(Arc<dyn UserService>);

#[async_trait]
impl UserService for WriteBehind {
    async fn create_user(
        &self,
        call: &Call,
        request: CreateUserRequest,
    ) -> Result<CreateUserResponse, Status> {
        self.0.create_user(call, request).await
    }

    async fn get_user(
        &self,
        call: &Call,
        request: GetUserRequest,
    ) -> Result<GetUserResponse, Status> {
        self.0.get_user(call, request).await
    }

    async fn update_user(
        &self,
        call: &Call,
        request: UpdateUserRequest,
    ) -> Result<UpdateUserResponse, Status> {
        let id = request.id.clone();
        let now = self.0.get_user(call, GetUserRequest { id }).await?;
        let mut user = now.user;
        if let Some(user) = &mut user {
            if let Some(name) = &request.name {
                user.name.clone_from(name);
            }
            if let Some(email) = &request.email {
                user.email.clone_from(email);
            }
            user.status = request.status.unwrap_or(user.status);
            if !request.metadata.is_empty() {
                user.metadata.clone_from(&request.metadata);
            }
            user.updated_at = Some(std::time::SystemTime::now().into());
        }
        let (inner, call) = (Arc::clone(&self.0), call.clone());
        tokio::spawn(async move {
            pass(Duration::from_millis(500)).await;
            let _ = inner.update_user(&call, request).await;
        });
        Ok(UpdateUserResponse { user })
    }

    async fn delete_user(&self, call: &Call, request: DeleteUserRequest) -> Result<(), Status> {
        let (inner, call) = (Arc::clone(&self.0), call.clone());
        tokio::spawn(async move {
            pass(Duration::from_millis(500)).await;
            let _ = inner.delete_user(&call, request).await;
        });
        Ok(())
    }

    async fn list_users(
        &self,
        call: &Call,
        request: ListUsersRequest,
    ) -> Result<ListUsersResponse, Status> {
        self.0.list_users(call, request).await
    }
}
