//! Why a step did not pass: the subject is wrong, or the suite could not judge.

use std::cell::RefCell;
use std::fmt::{self, Display};

use serde::{Deserialize, Serialize};

/// What a step returns.
pub type StepResult<T = ()> = Result<T, Failure>;

thread_local! {
    /// The failure that was last formatted on this thread; see [`Failure::from_panic`].
    static LAST_DISPLAYED: RefCell<Option<Failure>> = const { RefCell::new(None) };
}

/// Why a step did not pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Failure {
    /// The subject violates its contract: the scenario fails.
    Mismatch {
        /// What the clause requires.
        expected: String,
        /// What was observed.
        got: String,
        /// Further evidence.
        details: Vec<String>,
    },
    /// The suite could not judge (a backend died, a test double broke): the scenario ends in error.
    Broken {
        /// What happened and what to do about it.
        cause: String,
    },
    /// This machine lacks a backend that the scenario needs: the scenario is not run.
    Missing {
        /// Which backend, and what to install.
        reason: String,
    },
    /// This kind of subject lacks the control that the scenario needs: the scenario is not run.
    Unsupported {
        /// Which control, and which kind of subject offers it.
        reason: String,
    },
}

impl Failure {
    /// The subject did `got` where the contract requires `expected`.
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

    /// Adds one more line of evidence.
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

    /// Recovers the failure that became a panic with this text on this thread.
    ///
    /// The macros of cucumber turn a step's error into a panic with the error's text and drop its type.
    /// Formatting a failure keeps a copy, which the panic that follows immediately is matched with by
    /// its text. `None` if the text differs: then the suite itself panicked.
    pub fn from_panic(text: &str) -> Option<Self> {
        let displayed = LAST_DISPLAYED.with(RefCell::take);
        displayed.filter(|failure| failure.text() == text)
    }

    /// A one-line summary, for lists.
    pub fn first_line(&self) -> String {
        let first = |text: &str| text.trim().lines().next().unwrap_or_default().to_owned();
        match self {
            Self::Mismatch { expected, got, .. } => {
                format!("expected {}, got {}", first(expected), first(got))
            }
            Self::Broken { cause: text }
            | Self::Missing { reason: text }
            | Self::Unsupported { reason: text } => first(text),
        }
    }

    /// The whole failure in one sentence, for messages.
    fn text(&self) -> String {
        match self {
            Self::Mismatch {
                expected,
                got,
                details,
            } => {
                let mut text = format!("expected {expected}, got {got}");
                for detail in details {
                    text.push_str("; ");
                    text.push_str(detail);
                }
                text
            }
            Self::Broken { cause: text }
            | Self::Missing { reason: text }
            | Self::Unsupported { reason: text } => text.clone(),
        }
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())?;
        LAST_DISPLAYED.with(|displayed| displayed.replace(Some(self.clone())));
        Ok(())
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

    /// Panics with the failure's text, as the macros of cucumber do, and returns the panic's text.
    fn panic_text(failure: &Failure) -> String {
        let failure = failure.clone();
        let panic = std::panic::catch_unwind(move || panic!("{failure}")).expect_err("a panic");
        *panic.downcast::<String>().expect("a text")
    }

    #[test]
    fn a_failure_is_recovered_from_a_panic() {
        let failure = Failure::mismatch("ALREADY_EXISTS", "OK \"{}\"\n").detail("call #3");
        assert_eq!(Failure::from_panic(&panic_text(&failure)), Some(failure));
    }

    #[test]
    fn a_panic_of_the_suite_is_not_a_failure_of_the_subject() {
        let shown = Failure::mismatch("one", "two").to_string();
        assert_eq!(Failure::from_panic("index out of bounds"), None);
        assert_eq!(
            Failure::from_panic(&shown),
            None,
            "it was recovered already"
        );
    }

    #[test]
    fn the_kind_is_recovered_even_if_texts_are_equal() {
        let broken = Failure::broken("the same words");
        let unsupported = Failure::unsupported("the same words");
        assert_eq!(Failure::from_panic(&panic_text(&broken)), Some(broken));
        assert_eq!(
            Failure::from_panic(&panic_text(&unsupported)),
            Some(unsupported)
        );
    }
}
