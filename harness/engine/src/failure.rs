//! Why a step did not pass: the subject is wrong, or the suite could not judge.

use std::fmt::{self, Display};

use serde::{Deserialize, Serialize};

/// What a step answers.
pub type StepResult<T = ()> = Result<T, Failure>;

/// Why a step did not pass.
///
/// Its `Display` is JSON on purpose: cucumber's macros turn a step's error into a panic with the
/// displayed text, and the executor reads the kind back from it. A panic that does not parse is
/// one of the suite's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Failure {
    /// The subject does something else than its contract says: the scenario fails.
    Mismatch {
        /// What the clause asks for.
        expected: String,
        /// What was seen.
        got: String,
        /// Whatever else helps to see why.
        details: Vec<String>,
    },
    /// The suite could not judge (a backend died, a double broke): the scenario ends in error.
    Broken {
        /// What happened and what to do about it.
        cause: String,
    },
    /// This machine does not offer a backend that the scenario needs: it is not run.
    Missing {
        /// Which backend, and what to install.
        reason: String,
    },
    /// This kind of subject does not give the control that the scenario needs: it is not run.
    Unsupported {
        /// Which control, and which kind of subject gives it.
        reason: String,
    },
}

impl Failure {
    /// The subject showed `got` where the contract asks for `expected`.
    pub fn mismatch(expected: impl Display, got: impl Display) -> Self {
        Self::Mismatch {
            expected: expected.to_string(),
            got: got.to_string(),
            details: Vec::new(),
        }
    }

    /// The suite could not judge, because of `cause`.
    pub fn broken(cause: impl Display) -> Self {
        Self::Broken {
            cause: cause.to_string(),
        }
    }

    /// The subject does not offer what the scenario needs.
    pub fn unsupported(reason: impl Display) -> Self {
        Self::Unsupported {
            reason: reason.to_string(),
        }
    }

    /// The same, with one more line of evidence.
    #[must_use]
    pub fn detail(mut self, detail: impl Display) -> Self {
        match &mut self {
            Self::Mismatch { details, .. } => details.push(detail.to_string()),
            Self::Broken { cause: text }
            | Self::Missing { reason: text }
            | Self::Unsupported { reason: text } => {
                text.push_str("; ");
                text.push_str(&detail.to_string());
            }
        }
        self
    }

    /// Reads back what `Display` wrote.
    pub fn from_panic_text(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = serde_json::to_string(self).map_err(|_| fmt::Error)?;
        f.write_str(&json)
    }
}

impl std::error::Error for Failure {}

/// Fails with `expected` and `got` unless `holds`.
pub fn ensure(holds: bool, expected: impl Display, got: impl Display) -> StepResult {
    if holds {
        Ok(())
    } else {
        Err(Failure::mismatch(expected, got))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_survives_the_way_through_a_panic() {
        let failure = Failure::mismatch("ALREADY_EXISTS", "OK \"{}\"\n").detail("call #3");
        assert_eq!(
            Failure::from_panic_text(&failure.to_string()),
            Some(failure)
        );
    }

    #[test]
    fn a_panic_of_the_suite_is_no_failure_of_the_subject() {
        assert_eq!(Failure::from_panic_text("index out of bounds"), None);
    }
}
