//! Calls of the user service behind the breaker, bounded by the request's deadline, repeated where that
//! may help (RES-1 to RES-4).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::BoxFuture;
use tokio::time::{Instant, sleep_until, timeout_at};
use tonic::{Code, Status};

use crate::breaker::{Breaker, Open, Permit};
use crate::request_context::RequestContext;
use crate::retry;
use crate::settings::{RetrySettings, Settings};
use crate::user_service::UserService;

/// Why a call failed.
#[derive(Debug)]
pub enum CallError {
    /// It ended with this status.
    Status(Status),
    /// The breaker refused it.
    BreakerOpen(Open),
}

/// The user service behind retries and the breaker.
pub struct Upstream {
    users: Arc<dyn UserService>,
    /// Shared by all requests; locked for one transition at a time.
    breaker: Mutex<Breaker>,
    retry: RetrySettings,
}

impl Upstream {
    /// Guards `users`.
    pub fn new(users: Arc<dyn UserService>, settings: &Settings) -> Self {
        Self {
            users,
            breaker: Mutex::new(Breaker::new(settings.breaker)),
            retry: settings.retry,
        }
    }

    /// Makes a call, in one or several attempts; `send` starts one.
    pub async fn call<T>(
        &self,
        context: &RequestContext,
        send: impl for<'a> Fn(
            &'a dyn UserService,
            &'a RequestContext,
        ) -> BoxFuture<'a, Result<T, Status>>,
    ) -> Result<T, CallError> {
        let RetrySettings {
            max_attempts,
            base_delay,
        } = self.retry;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let status = match self.attempt(context, &send).await {
                Err(CallError::Status(status)) => status,
                result => return result,
            };
            let pause = retry::pause(base_delay, attempt, rand::random());
            let next = Instant::now()
                .checked_add(pause)
                .filter(|next| *next < context.deadline)
                .filter(|_| attempt < retry::attempts(max_attempts))
                .filter(|_| retry::is_retryable(&context.method, status.code()));
            let Some(next) = next else {
                return Err(CallError::Status(status));
            };
            // After a failed trial, or the failure that opened the breaker, the next attempt would be
            // refused: the client learns it without the pause.
            self.breaker()
                .check(Instant::now())
                .map_err(CallError::BreakerOpen)?;
            sleep_until(next).await;
        }
    }

    /// One attempt. At the deadline its future is dropped, which cancels the call.
    async fn attempt<T>(
        &self,
        context: &RequestContext,
        send: impl for<'a> Fn(
            &'a dyn UserService,
            &'a RequestContext,
        ) -> BoxFuture<'a, Result<T, Status>>,
    ) -> Result<T, CallError> {
        let mut attempt = self.begin_attempt().map_err(CallError::BreakerOpen)?;
        let result = timeout_at(context.deadline, send(&*self.users, context))
            .await
            .unwrap_or_else(|_| Err(Status::deadline_exceeded("REQUEST_TIMEOUT is over")));
        attempt.code = Some(result.as_ref().map_or_else(Status::code, |_| Code::Ok));
        result.map_err(CallError::Status)
    }

    fn begin_attempt(&self) -> Result<Attempt<'_>, Open> {
        let permit = self.breaker().try_acquire(Instant::now())?;
        Ok(Attempt {
            upstream: self,
            permit,
            code: None,
        })
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running attempt. Its result is recorded when it is dropped: without a code its client abandoned it.
struct Attempt<'a> {
    upstream: &'a Upstream,
    permit: Permit,
    code: Option<Code>,
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        self.upstream
            .breaker()
            .record(&self.permit, self.code, Instant::now());
    }
}
