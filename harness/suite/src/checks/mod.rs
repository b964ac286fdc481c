//! Pure functions of observations, unit-tested on hand-written bad histories.
//!
//! - [`breaker`]: whether the observed calls of a breaker agree with RES-3 and RES-4
//! - [`first_bytes`]: which protocol a connection uses
//! - [`finished_request`]: a request that has ended, and what its records must show
//! - [`frequency`]: how often something happened
//! - [`http_answer`]: an HTTP answer, as drivers return it and checks read it
//! - [`gateway_answer`]: what every answer of the gateway must look like
//! - [`health_answer`]: whether an answer to `/health` is complete
//! - [`interface`]: an interface as its file descriptors define it
//! - [`linearizable`]: whether a history of one user fits into one order
//! - [`log_line`]: whether a line is one event of a log
//! - [`request_log`]: whether the line of a request has its fields
//! - [`metrics`]: pages of metrics
//! - [`openapi`]: whether a description is valid, and whether answers conform to it
//! - [`stream_history`]: whether a stream delivered every change
//! - [`trace_tree`]: whether a trace is complete
//! - [`span_attributes`]: whether a span has the name and the attributes of its call

pub mod breaker;
pub mod finished_request;
pub mod first_bytes;
pub mod frequency;
pub mod gateway_answer;
pub mod health_answer;
pub mod http_answer;
pub mod interface;
pub mod linearizable;
pub mod log_line;
pub mod metrics;
pub mod openapi;
pub mod request_log;
pub mod span_attributes;
pub mod stream_history;
pub mod trace_tree;

use conformance_engine::failure::{Failure, StepResult};

/// How many wrong observations a failure shows.
const SHOWN: usize = 20;

/// A mismatch with all that is wrong, or an error if nothing was checked.
pub fn all(expected: &str, wrong: Vec<String>, checked: usize) -> StepResult {
    if checked == 0 {
        return Err(Failure::broken(format!(
            "{expected}: the scenario made no observation to check"
        )));
    }
    let count = wrong.len();
    let mut wrong = wrong.into_iter();
    let Some(first) = wrong.next() else {
        return Ok(());
    };
    let got = format!("{count} of {checked} do not; the first: {first}");
    let failure = Failure::mismatch(expected, got);
    Err(wrong.take(SHOWN).fold(failure, Failure::detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wrong_observation_is_in_the_failure() {
        let wrong = vec!["first".to_owned(), "second".to_owned()];
        let failure = all("a property", wrong, 3).expect_err("two are wrong");
        let expected = Failure::mismatch("a property", "2 of 3 do not; the first: first");
        assert_eq!(failure, expected.detail("second"));
        assert_eq!(all("a property", Vec::new(), 3), Ok(()));
    }

    #[test]
    fn nothing_to_check_is_an_error_of_the_suite() {
        let failure = all("a property", Vec::new(), 0).expect_err("nothing was checked");
        assert!(matches!(failure, Failure::Broken { .. }), "{failure:?}");
    }
}
