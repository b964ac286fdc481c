//! The only place that builds gRPC statuses.

use tonic::Status;

use crate::invalid::Invalid;
use crate::password::HashError;
use crate::store::StoreError;
use crate::stream::queue::Ending;

/// Why a call is not answered.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The request breaks a rule.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The store cannot, or will not.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The password could not be hashed.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// `REQUEST_TIMEOUT` is over.
    #[error("REQUEST_TIMEOUT is over")]
    TimedOut,
}

/// The status that a refusal gives. What the client may not see goes to the log (USR-18).
pub fn of(refusal: &Refusal) -> Status {
    match refusal {
        Refusal::Invalid(invalid) => Status::invalid_argument(invalid.to_string()),
        Refusal::Store(StoreError::NotFound) => Status::not_found("user not found"),
        Refusal::Store(StoreError::EmailTaken) => Status::already_exists("email is already taken"),
        Refusal::Store(StoreError::Unavailable(_)) | Refusal::TimedOut => {
            tracing::warn!(error = %refusal, "cannot answer a call");
            Status::unavailable("the database does not answer")
        }
        Refusal::Store(StoreError::Refused(_)) | Refusal::Hash(_) => {
            tracing::error!(error = %refusal, "cannot answer a call");
            Status::internal("internal error")
        }
    }
}

/// The status of a call whose feature is switched off (CFG-10).
pub fn switched_off() -> Status {
    Status::unimplemented("StreamUsers is switched off")
}

/// The status that ends a stream (STR-4, STR-5).
pub fn of_ending(ending: Ending) -> Status {
    match ending {
        Ending::SlowConsumer => Status::resource_exhausted("the subscriber is too slow"),
        Ending::Lost => Status::unavailable("changes were missed: read the users anew"),
        Ending::Stopping => Status::unavailable("the service stops"),
    }
}

/// The status of a call that its client has given up (GRP-3).
pub fn past_deadline() -> Status {
    Status::deadline_exceeded("the deadline is over")
}

/// The status of a call whose client disconnects before its request is complete.
pub fn upload_broken() -> Status {
    Status::cancelled("the client disconnected while it sent the request")
}

/// The status of a health check for a service that is not here (GRP-1).
pub fn unknown_service() -> Status {
    Status::not_found("unknown service")
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    #[track_caller]
    fn check(refusal: impl Into<Refusal>, code: Code, message: &str) {
        let status = of(&refusal.into());
        assert_eq!((status.code(), status.message()), (code, message));
    }

    #[test]
    fn what_the_database_says_stays_here() {
        let secret = || "password authentication failed".into();
        check(
            StoreError::Refused(secret()),
            Code::Internal,
            "internal error",
        );
        check(
            StoreError::Unavailable(secret()),
            Code::Unavailable,
            "the database does not answer",
        );
    }

    #[test]
    fn a_broken_rule_is_named() {
        check(
            Invalid::EmailMissing,
            Code::InvalidArgument,
            "email is required",
        );
        check(StoreError::NotFound, Code::NotFound, "user not found");
        check(
            StoreError::EmailTaken,
            Code::AlreadyExists,
            "email is already taken",
        );
    }
}
