//! CFG: the environment and the life of a gateway.

use std::collections::HashMap;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use gateway::request_context::RequestContext;
use tonic::Status;
use user_proto::v1::{
    DeleteUserRequest, GetUserRequest, GetUserResponse, UpdateUserRequest, UpdateUserResponse,
};

use super::replaced;
use crate::calls::{self, Inner, Layer};
use crate::entries::{pass, set};
use crate::entry::{Entry, How, plain};
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
        |id, clause, wrong, fault| Entry::of_gateway(id, clause, wrong, How::Environment(fault));
    let life = |id, clause, wrong, live| Entry::of_gateway(id, clause, wrong, How::Life(live));
    vec![
        environment(
            "gateway-empty-guards",
            "CFG-1",
            "a variable of the gateway alone that is empty cannot be parsed",
            |variables| {
                for name in EMPTY_IS_GARBAGE {
                    if variables.get(name).is_some_and(String::is_empty) {
                        set(variables, name, "an empty value");
                    }
                }
            },
        ),
        environment(
            "gateway-other-tries",
            "CFG-1",
            "the default number of tries is 5",
            |variables| {
                if variables
                    .get("RETRY_MAX_ATTEMPTS")
                    .is_none_or(String::is_empty)
                {
                    set(variables, "RETRY_MAX_ATTEMPTS", "5");
                }
            },
        ),
        environment(
            "gateway-garbage-guards",
            "CFG-2",
            "how often and for how long is not looked at until it is needed",
            |variables| {
                variables
                    .retain(|name, value| value != "banana" || !GUARDS.contains(&name.as_str()));
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
        replaced(
            "gateway-stateless-cached",
            "CFG-9",
            "each instance keeps what it has read",
            |it| calls::add_layer(it, Cached::default()),
        ),
        replaced(
            "gateway-stateless-write-behind",
            "CFG-9",
            "a change is acknowledged half a second before it is made",
            |it| calls::add_layer(it, WriteBehind),
        ),
        replaced(
            "gateway-reads-cached",
            "USR-11",
            "users are kept in the gateway",
            |it| calls::add_layer(it, Cached::default()),
        ),
    ]
}

/// A user that was read is read from memory for as long as the program runs, but for changes made here.
#[derive(Default)]
struct Cached(Mutex<HashMap<String, GetUserResponse>>);

#[async_trait]
impl Layer for Cached {
    async fn get(
        &self,
        inner: &Inner,
        context: &RequestContext,
        request: GetUserRequest,
    ) -> Result<GetUserResponse, Status> {
        let kept = lock(&self.0).get(&request.id).cloned();
        if let Some(kept) = kept {
            return Ok(kept);
        }
        let id = request.id.clone();
        let answer = inner.get_user(context, request).await?;
        lock(&self.0).insert(id, answer.clone());
        Ok(answer)
    }

    async fn update(
        &self,
        inner: &Inner,
        context: &RequestContext,
        request: UpdateUserRequest,
    ) -> Result<UpdateUserResponse, Status> {
        let id = request.id.clone();
        let answer = inner.update_user(context, request).await?;
        let user = answer.user.clone();
        lock(&self.0).insert(id, GetUserResponse { user });
        Ok(answer)
    }

    async fn delete(
        &self,
        inner: &Inner,
        context: &RequestContext,
        request: DeleteUserRequest,
    ) -> Result<(), Status> {
        lock(&self.0).remove(&request.id);
        inner.delete_user(context, request).await
    }
}

/// Changes are acknowledged as they will be, and made later.
struct WriteBehind;

#[async_trait]
impl Layer for WriteBehind {
    async fn update(
        &self,
        inner: &Inner,
        context: &RequestContext,
        request: UpdateUserRequest,
    ) -> Result<UpdateUserResponse, Status> {
        let id = request.id.clone();
        let now = inner.get_user(context, GetUserRequest { id }).await?;
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
        let (inner, context) = (Arc::clone(inner), context.clone());
        tokio::spawn(async move {
            pass(Duration::from_millis(500)).await;
            let _ = inner.update_user(&context, request).await;
        });
        Ok(UpdateUserResponse { user })
    }

    async fn delete(
        &self,
        inner: &Inner,
        context: &RequestContext,
        request: DeleteUserRequest,
    ) -> Result<(), Status> {
        let (inner, context) = (Arc::clone(inner), context.clone());
        tokio::spawn(async move {
            pass(Duration::from_millis(500)).await;
            let _ = inner.delete_user(&context, request).await;
        });
        Ok(())
    }
}
