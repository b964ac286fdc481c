//! The gateway's routes (GWY-1).
//!
//! Every answer is checked against GWY-1, GWY-2, GWY-5 and GWY-7; one that violates them becomes an UNKNOWN status
//! that no scenario expects.

use async_trait::async_trait;
use bytes::Bytes;
use http::request::Builder;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};
use tonic::{Code, Status};
use user_proto::v1::{
    CreateUserRequest, ListUsersRequest, ListUsersResponse, UpdateUserRequest, User, UserStatus,
};

use super::transcript::Transcript;
use super::{CallHeaders, UsersApi};
use crate::checks::gateway_answer;
use crate::checks::http_answer::HttpAnswer;
use crate::drivers::gateway::{Gateway, TransportError, whole};
use crate::drivers::innermost;

/// Unreserved characters of paths and queries (RFC 3986, section 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A connection to one instance of a gateway.
#[derive(Debug)]
pub struct Http(Gateway, Transcript);

impl Http {
    /// A client of `url`, connected at the first call.
    pub fn connect(url: &str, transcript: Transcript) -> Self {
        Self(Gateway::connect(url), transcript)
    }

    /// Sends a request; the result is an error unless the answer has this status.
    async fn call(
        &self,
        request: Builder,
        body: Option<Value>,
        headers: &CallHeaders,
        status: u16,
    ) -> Result<HttpAnswer, Status> {
        let mut request = request.header("x-request-id", &headers.request_id);
        for (name, value) in &headers.others {
            request = request.header(*name, value);
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map_or_else(Bytes::new, |it| it.to_string().into());
        let request = whole(request, body).map_err(|it| Status::unknown(it.to_string()))?;
        let answer = self.0.send(request).await.map_err(no_answer)?;
        self.1.add_headers(&answer.headers);
        self.1.add(&answer.body);
        judged(answer, &headers.request_id, status)
    }
}

/// A failed connection as a status with a source, as a gRPC client returns it.
fn no_answer(error: TransportError) -> Status {
    let mut status = Status::unknown(innermost(error.as_ref()));
    status.set_source(error.into());
    status
}

/// The answer if it has the expected status, else the gRPC status that it stands for.
fn judged(answer: HttpAnswer, id: &str, status: u16) -> Result<HttpAnswer, Status> {
    let wrong = |what: String| Status::unknown(format!("the suite: {what}; {}", answer.shown()));
    gateway_answer::request_id(&answer, id).map_err(wrong)?;
    if answer.status == status {
        return Ok(answer);
    }
    let Some(code) = code(answer.status) else {
        return Err(wrong(format!("{status} or a status of GWY-5 (GWY-1)")));
    };
    let message = gateway_answer::error(&answer).map_err(wrong)?;
    Err(Status::new(code, message))
}

/// The gRPC code of an HTTP status; where several share it, the one that scenarios use.
fn code(status: u16) -> Option<Code> {
    Some(match status {
        400 => Code::InvalidArgument,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::NotFound,
        409 => Code::AlreadyExists,
        412 => Code::FailedPrecondition,
        429 => Code::ResourceExhausted,
        499 => Code::Cancelled,
        500 => Code::Internal,
        501 => Code::Unimplemented,
        503 => Code::Unavailable,
        504 => Code::DeadlineExceeded,
        _ => return None,
    })
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

fn user(answer: &HttpAnswer) -> Result<User, Status> {
    gateway_answer::one_user(answer).map_err(|it| Status::unknown(format!("the suite: {it}")))
}

/// The name of a status; an unknown status gets a made-up name.
fn status_name(status: i32) -> String {
    UserStatus::try_from(status).map_or_else(
        |_| format!("USER_STATUS_{status}"),
        |it| it.as_str_name().to_owned(),
    )
}

#[async_trait]
impl UsersApi for Http {
    async fn create(
        &self,
        request: CreateUserRequest,
        headers: &CallHeaders,
    ) -> Result<User, Status> {
        let mut body = json!({
            "email": request.email,
            "name": request.name,
            "metadata": request.metadata,
        });
        if !request.password.is_empty() {
            body["password"] = request.password.into();
        }
        let route = self.0.request("POST", "/api/v1/users");
        user(&self.call(route, Some(body), headers, 201).await?)
    }

    async fn get(&self, of: &str, headers: &CallHeaders) -> Result<User, Status> {
        let path = format!("/api/v1/users/{}", encoded(of));
        let route = self.0.request("GET", &path);
        user(&self.call(route, None, headers, 200).await?)
    }

    async fn update(
        &self,
        request: UpdateUserRequest,
        headers: &CallHeaders,
    ) -> Result<User, Status> {
        let path = format!("/api/v1/users/{}", encoded(&request.id));
        let mut body = Map::new();
        let texts = [("email", request.email), ("name", request.name)];
        for (member, text) in texts {
            if let Some(text) = text {
                body.insert(member.to_owned(), text.into());
            }
        }
        if let Some(status) = request.status {
            body.insert("status".to_owned(), status_name(status).into());
        }
        if !request.metadata.is_empty() {
            body.insert("metadata".to_owned(), json!(request.metadata));
        }
        let route = self.0.request("PUT", &path);
        user(&self.call(route, Some(body.into()), headers, 200).await?)
    }

    async fn delete(&self, of: &str, headers: &CallHeaders) -> Result<(), Status> {
        let path = format!("/api/v1/users/{}", encoded(of));
        let route = self.0.request("DELETE", &path);
        let answer = self.call(route, None, headers, 204).await?;
        if answer.body.is_empty() {
            Ok(())
        } else {
            Err(Status::unknown("the suite: 204 with a body (GWY-1)"))
        }
    }

    async fn list(
        &self,
        request: ListUsersRequest,
        headers: &CallHeaders,
    ) -> Result<ListUsersResponse, Status> {
        let size = match request.page_size {
            0 => String::new(),
            size => size.to_string(),
        };
        let parameters = [
            ("page_size", size),
            ("page_token", request.page_token),
            ("filter", request.filter),
            ("order_by", request.order_by),
        ];
        let given = parameters.iter().filter(|it| !it.1.is_empty());
        let query: Vec<String> = given
            .map(|(name, value)| format!("{name}={}", encoded(value)))
            .collect();
        let path = format!("/api/v1/users?{}", query.join("&"));
        let answer = self
            .call(self.0.request("GET", &path), None, headers, 200)
            .await?;
        gateway_answer::page(&answer).map_err(|it| Status::unknown(format!("the suite: {it}")))
    }
}
