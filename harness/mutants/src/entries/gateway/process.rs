//! CFG-1, CFG-2, CFG-7, CFG-9, USR-11: environment variables, start and caches of the gateway.

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

use super::gateway_mutant;
use crate::entries::{delay, set_variable};
use crate::gateway_calls::{self, CallLayer, Inner};
use crate::mutant::{Fault, Mutant, run_reference};
use crate::store::lock;

/// Variables that only the gateway has and that the suite may pass empty.
const MAY_BE_EMPTY: [&str; 9] = [
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

/// Settings of retries and of the breaker.
const RETRY_AND_BREAKER: [&str; 4] = [
    "RETRY_MAX_ATTEMPTS",
    "RETRY_BASE_DELAY",
    "BREAKER_MAX_FAILURES",
    "BREAKER_RESET_TIMEOUT",
];

pub fn mutants() -> Vec<Mutant> {
    let environment_mutant = |id, clause, wrong, fault| {
        Mutant::for_gateway(id, clause, wrong, Fault::Environment(fault))
    };
    let main_mutant =
        |id, clause, wrong, main| Mutant::for_gateway(id, clause, wrong, Fault::Main(main));
    vec![
        environment_mutant(
            "gateway-empty-guards",
            "CFG-1",
            "an empty variable that only the gateway has is an invalid value",
            |variables| {
                for name in MAY_BE_EMPTY {
                    if variables.get(name).is_some_and(String::is_empty) {
                        set_variable(variables, name, "an empty value");
                    }
                }
            },
        ),
        environment_mutant(
            "gateway-other-upstream",
            "CFG-1",
            "without USER_SERVICE_ADDR the user service is expected at port 50052",
            |variables| {
                if variables
                    .get("USER_SERVICE_ADDR")
                    .is_none_or(String::is_empty)
                {
                    set_variable(variables, "USER_SERVICE_ADDR", "http://localhost:50052");
                }
            },
        ),
        environment_mutant(
            "gateway-other-tries",
            "CFG-1",
            "the default of RETRY_MAX_ATTEMPTS is 5",
            |variables| {
                if variables
                    .get("RETRY_MAX_ATTEMPTS")
                    .is_none_or(String::is_empty)
                {
                    set_variable(variables, "RETRY_MAX_ATTEMPTS", "5");
                }
            },
        ),
        environment_mutant(
            "gateway-garbage-guards",
            "CFG-2",
            "invalid settings of retries and the breaker are ignored",
            |variables| {
                variables.retain(|name, value| {
                    value != "banana" || !RETRY_AND_BREAKER.contains(&name.as_str())
                });
            },
        ),
        main_mutant(
            "gateway-needs-user-service",
            "CFG-7",
            "the program exits if it cannot connect at start",
            |command, variables| {
                let address = variables.get("USER_SERVICE_ADDR").map_or("", |it| it);
                let address = address.trim_start_matches("http://").trim_end_matches('/');
                if command == "serve" && std::net::TcpStream::connect(address).is_err() {
                    return ExitCode::FAILURE;
                }
                run_reference(command, variables)
            },
        ),
        gateway_mutant(
            "gateway-stateless-cached",
            "CFG-9",
            "each instance caches the users that it read, without invalidation",
            |it| gateway_calls::wrap_calls(it, CachedUsers::default()),
        ),
        gateway_mutant(
            "gateway-stateless-write-behind",
            "CFG-9",
            "a change is acknowledged half a second before it is passed on",
            |it| gateway_calls::wrap_calls(it, WriteBehind),
        ),
        gateway_mutant(
            "gateway-reads-cached",
            "USR-11",
            "the gateway caches users without invalidation",
            |it| gateway_calls::wrap_calls(it, CachedUsers::default()),
        ),
    ]
}

/// Caches users until the process ends; only changes by this process update the cache.
#[derive(Default)]
struct CachedUsers(Mutex<HashMap<String, GetUserResponse>>);

#[async_trait]
impl CallLayer for CachedUsers {
    async fn get(
        &self,
        inner: &Inner,
        context: &RequestContext,
        request: GetUserRequest,
    ) -> Result<GetUserResponse, Status> {
        let cached = lock(&self.0).get(&request.id).cloned();
        if let Some(cached) = cached {
            return Ok(cached);
        }
        let id = request.id.clone();
        let response = inner.get_user(context, request).await?;
        lock(&self.0).insert(id, response.clone());
        Ok(response)
    }

    async fn update(
        &self,
        inner: &Inner,
        context: &RequestContext,
        request: UpdateUserRequest,
    ) -> Result<UpdateUserResponse, Status> {
        let id = request.id.clone();
        let response = inner.update_user(context, request).await?;
        let user = response.user.clone();
        lock(&self.0).insert(id, GetUserResponse { user });
        Ok(response)
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

/// Acknowledges updates and deletes, and passes them on 500 ms later.
struct WriteBehind;

#[async_trait]
impl CallLayer for WriteBehind {
    async fn update(
        &self,
        inner: &Inner,
        context: &RequestContext,
        request: UpdateUserRequest,
    ) -> Result<UpdateUserResponse, Status> {
        let id = request.id.clone();
        let current = inner.get_user(context, GetUserRequest { id }).await?;
        let mut user = current.user;
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
            delay(Duration::from_millis(500)).await;
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
            delay(Duration::from_millis(500)).await;
            let _ = inner.delete_user(&context, request).await;
        });
        Ok(())
    }
}
