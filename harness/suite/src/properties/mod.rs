//! Properties: statements about all inputs, tried on the running subject, shrunk when they fail.
//!
//! - [`pagination`]: any listing over all pages returns every stable user exactly once (USR-16)
//! - [`texts`]: acceptance, refusal and storage of any text (USR-3, 4, 5, 17)
//! - [`breaker`]: any sequence of calls agrees with the model of the breaker (RES-3, RES-4)
//! - [`filters`]: any filter finds what the model finds (USR-14)
//! - [`orders`]: any users are listed in every order of the model (USR-13)
//! - [`stateful`]: any sequence of operations agrees with the model (USR-11)
//! - [`histories`]: any history of one user under concurrent clients is linearizable (USR-11)
//! - [`requests`]: any request to a gateway (GWY-5, GWY-7)
//! - [`streams`]: any interleaving of writers, streams and outages is delivered (STR-1, 3, 5)
//! - [`retries`]: any answers lead to the retries of RES-2

pub mod breaker;
pub mod filters;
pub mod histories;
pub mod orders;
pub mod pagination;
pub mod requests;
pub mod retries;
pub mod stateful;
pub mod streams;
pub mod texts;

use std::fmt::Debug;

use conformance_engine::failure::{Failure, StepResult};
use futures::future::BoxFuture;
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use user_proto::v1::{CreateUserRequest, User};

use crate::drivers::Status;
use crate::drivers::users::{Call, Users, shown};

/// Maximum number of shrinking steps; each is a conversation with the subject.
const SHRINKS: u32 = 200;

/// Maximum time of shrinking, in milliseconds.
const SHRINK_TIME: u32 = 20_000;

/// The result of one attempt of a property; the error says how the subject disagrees.
pub type Tried = Result<(), String>;

/// Generates `cases` inputs from the seed and tries each; the failure holds the smallest failing input.
pub async fn holds<S>(
    statement: &'static str,
    seed: u64,
    cases: u32,
    inputs: impl FnOnce() -> S + Send + 'static,
    attempt: impl Fn(S::Value) -> BoxFuture<'static, Tried> + Send + 'static,
) -> StepResult
where
    S: Strategy,
    S::Value: Debug,
{
    let runtime = tokio::runtime::Handle::current();
    let tried = tokio::task::spawn_blocking(move || {
        let config = Config {
            cases,
            max_shrink_iters: SHRINKS,
            max_shrink_time: SHRINK_TIME,
            failure_persistence: None,
            ..Config::default()
        };
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let mut runner = TestRunner::new_with_rng(config, random);
        let tried = runner.run(&inputs(), |input| {
            runtime
                .block_on(attempt(input))
                .map_err(TestCaseError::fail)
        });
        tried.map_err(|error| match error {
            TestError::Fail(reason, input) => Failure::mismatch(statement, reason)
                .detail(format!("smallest input found: {input:#?}"))
                .detail(format!("generated with --seed {seed}")),
            TestError::Abort(reason) => {
                Failure::broken(format!("no inputs for the property: {reason}"))
            }
        })
    });
    tried.await.map_err(Failure::broken)?
}

/// A name that no other scenario and no other attempt uses.
fn unique() -> String {
    uuid::Uuid::new_v4().simple().to_string()[..12].to_owned()
}

/// Creates a user that the property rests on.
async fn created(client: &Users, email: &str, name: &str) -> Result<User, String> {
    let request = CreateUserRequest {
        email: email.to_owned(),
        name: name.to_owned(),
        ..CreateUserRequest::default()
    };
    ok(client.create(request).await)
}

/// The answer of a call that the property rests on.
fn ok<T>(call: Call<T>) -> Result<T, String> {
    let method = call.method;
    call.result
        .map_err(|status: Status| format!("{method} should succeed, and gives {}", shown(&status)))
}
