//! Calls of the user service behind the breaker, tried again where that may help.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::Method;
use futures::future::BoxFuture;
use tokio::time::Instant;
use tonic::{Code, Status};

use crate::breaker::{Breaker, BreakerRules, Open, Ticket};
use crate::retry::RetryRules;
use crate::settings::{RetrySettings, Settings};
use crate::user_service::{Call, UserService};

/// Why a call has no answer.
#[derive(Debug)]
pub enum Failure {
    /// It ended with this status.
    Status(Status),
    /// The breaker did not let it through.
    Open(Open),
}

/// The user service, guarded by the breaker (RES-2 to RES-4).
pub struct Guarded {
    users: Arc<dyn UserService>,
    /// Held for no longer than a decision takes.
    breaker: Mutex<Breaker>,
    retry: RetryRules,
    retry_settings: RetrySettings,
}

impl Guarded {
    /// Guards `users`.
    pub fn new(
        users: Arc<dyn UserService>,
        breaker: BreakerRules,
        retry: RetryRules,
        settings: &Settings,
    ) -> Self {
        Self {
            users,
            breaker: Mutex::new(Breaker::new(breaker, settings.breaker)),
            retry,
            retry_settings: settings.retry,
        }
    }

    /// Makes a call for a request of this method, once or several times: `send` starts one try.
    pub async fn call<T>(
        &self,
        method: &Method,
        call: &Call,
        send: impl for<'a> Fn(&'a dyn UserService, &'a Call) -> BoxFuture<'a, Result<T, Status>>,
    ) -> Result<T, Failure> {
        let mut tries = 0;
        loop {
            let permit = self.admit().map_err(Failure::Open)?;
            let is_trial = permit.ticket.is_trial;
            let status = match send(&*self.users, call).await {
                Ok(answer) => {
                    permit.settle(Code::Ok);
                    return Ok(answer);
                }
                Err(status) => status,
            };
            permit.settle(status.code());
            tries += 1;
            if !self.is_repeated(method, status.code(), tries, is_trial) {
                return Err(Failure::Status(status));
            }
            let RetrySettings { base_delay, .. } = self.retry_settings;
            let next = Instant::now()
                .checked_add((self.retry.pause)(base_delay, tries, rand::random()))
                .filter(|next| *next < call.deadline);
            let Some(next) = next else {
                return Err(Failure::Status(status));
            };
            // Nobody waits for a try that would not be made.
            self.breaker()
                .check(Instant::now())
                .map_err(Failure::Open)?;
            tokio::time::sleep_until(next).await;
        }
    }

    fn is_repeated(&self, method: &Method, code: Code, tries: u32, is_trial: bool) -> bool {
        (self.retry.methods)(method)
            && (self.retry.codes)(code)
            && tries < (self.retry.attempts)(self.retry_settings.max_attempts)
            && (!is_trial || self.retry.trials)
    }

    fn admit(&self) -> Result<Permit<'_>, Open> {
        let ticket = self.breaker().admit(Instant::now())?;
        Ok(Permit {
            guarded: self,
            ticket,
            code: None,
        })
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A try under way. Dropped before it is settled, it was abandoned.
struct Permit<'a> {
    guarded: &'a Guarded,
    ticket: Ticket,
    code: Option<Code>,
}

impl Permit<'_> {
    fn settle(mut self, code: Code) {
        self.code = Some(code);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.guarded
            .breaker()
            .settle(&self.ticket, self.code, Instant::now());
    }
}
