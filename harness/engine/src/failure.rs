//! Why a step did not pass: the subject is wrong, or the suite could not judge.

use std::cell::RefCell;
use std::fmt::{self, Display};

use serde::{Deserialize, Serialize};

/// What a step returns.
pub type StepResult<T = ()> = Result<T, Failure>;

thread_local! {
    /// The failure that was displayed last on this thread; see [`Failure::of_panic`].
    static DISPLAYED: RefCell<Option<Failure>> = const { RefCell::new(None) };
}

/// Why a step did not pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Failure {
    /// The subject does something else than its contract says: the scenario fails.
    Mismatch {
        /// What the clause requires.
        expected: String,
        /// What was seen.
        got: String,
        /// Further observations that help to find the cause.
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
    /// The subject showed `got` where the contract requires `expected`.
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

    /// The failure whose text is that of a panic on this thread.
    ///
    /// The macros of cucumber turn a step's error into a panic with the error's text and drop its type.
    /// This is the one place that gets the type back: displaying a failure keeps a copy, and the panic
    /// that follows at once has its text. A panic with another text is one of the suite's own.
    pub fn of_panic(text: &str) -> Option<Self> {
        let displayed = DISPLAYED.with(RefCell::take);
        displayed.filter(|failure| failure.text() == text)
    }

    /// The first line of it, for lists.
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

    /// In one sentence, for messages.
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
        DISPLAYED.with(|displayed| displayed.replace(Some(self.clone())));
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

    /// As the macros of cucumber do with a step's error.
    fn panic_text(failure: &Failure) -> String {
        let failure = failure.clone();
        let panic = std::panic::catch_unwind(move || panic!("{failure}")).expect_err("a panic");
        *panic.downcast::<String>().expect("a text")
    }

    #[test]
    fn a_failure_survives_the_way_through_a_panic() {
        let failure = Failure::mismatch("ALREADY_EXISTS", "OK \"{}\"\n").detail("call #3");
        assert_eq!(Failure::of_panic(&panic_text(&failure)), Some(failure));
    }

    #[test]
    fn a_panic_of_the_suite_is_no_failure_of_the_subject() {
        let shown = Failure::mismatch("one", "two").to_string();
        assert_eq!(Failure::of_panic("index out of bounds"), None);
        assert_eq!(Failure::of_panic(&shown), None, "it was taken already");
    }

    #[test]
    fn the_kind_survives_even_where_texts_are_equal() {
        let broken = Failure::broken("the same words");
        let unsupported = Failure::unsupported("the same words");
        assert_eq!(Failure::of_panic(&panic_text(&broken)), Some(broken));
        assert_eq!(
            Failure::of_panic(&panic_text(&unsupported)),
            Some(unsupported)
        );
    }
}
