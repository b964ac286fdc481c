//! For all answers of a user service a GET is retried as often as RES-2 says.

use std::sync::Arc;

use conformance_engine::failure::StepResult;
use futures::FutureExt as _;
use proptest::prelude::{Strategy, prop_oneof};
use proptest::sample::select;

use super::{Tried, holds, unique};
use crate::doubles::user_service::UserServiceDouble;
use crate::doubles::user_service::answer::ScriptedAnswer;
use crate::drivers::Code;
use crate::drivers::gateway::{Gateway, whole};

/// Maximum number of attempts of the gateway in this scenario.
const ATTEMPTS: usize = 4;

/// The answers to the attempts of one request, then the answer to any further attempt.
fn scripts() -> impl Strategy<Value = Vec<i32>> {
    let code = prop_oneof![3 => select(vec![14]), 1 => select((0..=16).collect::<Vec<_>>())];
    proptest::collection::vec(code, 0..7)
}

/// The number of attempts, and the code that the request ends with.
fn model(codes: &[i32]) -> (usize, i32) {
    let unavailable = Code::Unavailable as i32;
    let given = (0..ATTEMPTS).map(|it| codes.get(it).copied().unwrap_or(0));
    let given: Vec<i32> = given.collect();
    let last = given.iter().position(|it| *it != unavailable);
    let last = last.unwrap_or(ATTEMPTS - 1);
    (last + 1, given[last])
}

/// Any answers lead to as many attempts of a GET as in the model.
pub async fn check(gateway: Gateway, double: Arc<UserServiceDouble>, seed: u64) -> StepResult {
    holds(
        "a GET is tried as often as RES-2 says",
        seed,
        60,
        scripts,
        move |codes| {
            let (gateway, double) = (gateway.clone(), double.clone());
            async move { attempt(&gateway, &double, &codes).await }.boxed()
        },
    )
    .await
}

async fn attempt(gateway: &Gateway, double: &UserServiceDouble, codes: &[i32]) -> Tried {
    let id = format!("tries-{}", unique());
    let answer = |code: &i32| match Code::from_i32(*code) {
        Code::Ok => ScriptedAnswer::Contract,
        code => ScriptedAnswer::status(code, "scripted"),
    };
    let answers: Vec<ScriptedAnswer> = codes.iter().map(answer).collect();
    double.script_for(&id, answers);
    let request = gateway.request("GET", "/api/v1/users?page_size=1");
    let request = whole(request.header("x-request-id", &id), "").map_err(|it| it.to_string())?;
    let answer = gateway.send(request).await;
    let answer = answer.map_err(|it| format!("no answer: {it}"))?;
    let calls = double.calls().into_iter();
    let tries = calls.filter(|it| it.request_id() == Some(&id)).count();
    let (wanted, code) = model(codes);
    if tries != wanted {
        return Err(format!(
            "{tries} tries instead of {wanted}: {}",
            answer.shown()
        ));
    }
    if (code == 0) != (answer.status == 200) {
        return Err(format!("after {tries} tries: {}", answer.shown()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unavailable_is_tried_again() {
        assert_eq!(model(&[]), (1, 0));
        assert_eq!(model(&[5, 14]), (1, 5));
        assert_eq!(model(&[14, 14, 0]), (3, 0));
        assert_eq!(model(&[14, 13, 0]), (2, 13));
        assert_eq!(model(&[14; 6]), (ATTEMPTS, 14));
    }
}
