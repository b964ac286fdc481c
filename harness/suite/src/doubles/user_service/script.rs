//! Which call gets which answer.

use std::collections::{HashMap, VecDeque};

use super::answer::ScriptedAnswer;

/// Answers for the next calls, in order.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// One for each call.
    pub answers: VecDeque<ScriptedAnswer>,
    /// What calls get after these; nothing leaves it as it was.
    pub otherwise: Option<ScriptedAnswer>,
}

impl Script {
    /// The answer of the next call.
    fn next(&mut self) -> Option<ScriptedAnswer> {
        self.answers.pop_front().or_else(|| self.otherwise.clone())
    }

    /// Does what the other says after what this one says.
    fn append(&mut self, other: Self) {
        self.answers.extend(other.answers);
        self.otherwise = other.otherwise.or_else(|| self.otherwise.take());
    }
}

impl From<ScriptedAnswer> for Script {
    fn from(answer: ScriptedAnswer) -> Self {
        Self::from([answer])
    }
}

impl<const N: usize> From<[ScriptedAnswer; N]> for Script {
    fn from(answers: [ScriptedAnswer; N]) -> Self {
        Self::from(Vec::from(answers))
    }
}

impl From<Vec<ScriptedAnswer>> for Script {
    fn from(answers: Vec<ScriptedAnswer>) -> Self {
        Self {
            answers: answers.into(),
            otherwise: None,
        }
    }
}

/// All scripts of a double.
#[derive(Debug, Default)]
pub struct Scripts {
    all: Script,
    by_request_id: HashMap<String, Script>,
}

impl Scripts {
    /// Appends to what the calls of this request id get, or to what all calls get.
    pub fn append(&mut self, request_id: Option<&str>, script: Script) {
        let to = match request_id {
            Some(id) => self.by_request_id.entry(id.to_owned()).or_default(),
            None => &mut self.all,
        };
        to.append(script);
    }

    /// The answer of a call that has arrived; a script for its request id goes first.
    pub fn next(&mut self, request_id: Option<&str>) -> ScriptedAnswer {
        request_id
            .and_then(|id| self.by_request_id.get_mut(id)?.next())
            .or_else(|| self.all.next())
            .unwrap_or(ScriptedAnswer::Contract)
    }
}

#[cfg(test)]
mod tests {
    use h2::Reason;

    use super::*;

    fn named(answer: &ScriptedAnswer) -> &'static str {
        match answer {
            ScriptedAnswer::Contract => "contract",
            ScriptedAnswer::Never => "never",
            ScriptedAnswer::Reset(_) => "reset",
            _ => "other",
        }
    }

    #[test]
    fn calls_get_their_answers_in_order_and_then_the_otherwise() {
        let mut scripts = Scripts::default();
        scripts.append(None, [ScriptedAnswer::Never].into());
        scripts.append(
            None,
            Script {
                answers: [ScriptedAnswer::Contract].into(),
                otherwise: Some(ScriptedAnswer::Reset(Reason::CANCEL)),
            },
        );
        let given: Vec<_> = (0..4).map(|_| named(&scripts.next(None))).collect();
        assert_eq!(given, ["never", "contract", "reset", "reset"]);
    }

    #[test]
    fn a_script_for_a_request_id_goes_first_and_leaves_the_others_alone() {
        let mut scripts = Scripts::default();
        scripts.append(None, [ScriptedAnswer::Never, ScriptedAnswer::Never].into());
        scripts.append(Some("a"), ScriptedAnswer::CloseBefore.into());
        assert_eq!(named(&scripts.next(Some("b"))), "never");
        assert_eq!(named(&scripts.next(Some("a"))), "other");
        assert_eq!(named(&scripts.next(Some("a"))), "never");
        assert_eq!(named(&scripts.next(Some("a"))), "contract");
    }
}
