//! Whether what was seen of a breaker fits RES-3 and RES-4.
//!
//! What happens inside a gateway is known only to have happened between two moments, so the model
//! keeps every state that fits what was seen so far; when none is left, the breaker is wrong.

use std::collections::BTreeMap;
use std::time::Duration;

/// Between which moments something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Between(pub Duration, pub Duration);

/// How a call ended, as the breaker counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With an answer that is no failure.
    Success,
    /// With UNAVAILABLE, `DEADLINE_EXCEEDED`, INTERNAL or UNKNOWN.
    Failure,
    /// Its client went away.
    Abandoned,
}

/// Something that was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A call asked to go out; whether it reached the user service, or was refused.
    Asked {
        /// Its number.
        call: usize,
        /// When.
        at: Between,
        /// Whether it reached the user service.
        passed: bool,
    },
    /// A call that had reached the user service ended.
    Ended {
        /// Its number.
        call: usize,
        /// When.
        at: Between,
        /// How.
        how: End,
    },
}

/// What a breaker is set to, and how exactly its clock can be seen.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// `BREAKER_MAX_FAILURES`
    pub max_failures: u32,
    /// `BREAKER_RESET_TIMEOUT`
    pub reset: Duration,
    /// How early it may seem to let a call through: the grain of clocks.
    pub grain: Duration,
    /// How late it may do so on a busy machine.
    pub late: Duration,
}

/// A state that fits what was seen so far.
#[derive(Clone, Debug, PartialEq, Eq)]
struct State {
    phase: Phase,
    /// Raised when the breaker opens: answers to calls of before change nothing.
    epoch: u32,
    /// The epoch of each call that is under way.
    calls: BTreeMap<usize, u32>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    Closed {
        failures: u32,
    },
    /// It opened, or would have to let a call through at once since its trial was abandoned.
    Open {
        since: Between,
        waits: bool,
    },
    Trial {
        call: usize,
    },
}

/// All states that fit what was seen so far.
#[derive(Clone, Debug)]
pub struct Model {
    terms: Terms,
    states: Vec<State>,
}

impl Model {
    /// A closed breaker without failures.
    pub fn closed(terms: Terms) -> Self {
        let state = State {
            phase: Phase::Closed { failures: 0 },
            epoch: 0,
            calls: BTreeMap::new(),
        };
        Self {
            terms,
            states: vec![state],
        }
    }

    /// Takes in what was seen; the error says which states it contradicts.
    pub fn see(&mut self, event: Event) -> Result<(), String> {
        let terms = self.terms;
        let before = std::mem::take(&mut self.states);
        self.states = before
            .iter()
            .filter_map(|it| it.clone().after(&terms, event))
            .collect();
        self.states.dedup();
        if self.states.is_empty() {
            return Err(format!("{event:?} does not fit {before:?}"));
        }
        Ok(())
    }
}

impl State {
    fn after(self, terms: &Terms, event: Event) -> Option<Self> {
        match event {
            Event::Asked { call, at, passed } => self.asked(terms, call, at, passed),
            Event::Ended { call, at, how } => Some(self.ended(terms, call, at, how)),
        }
    }

    fn asked(mut self, terms: &Terms, call: usize, at: Between, passed: bool) -> Option<Self> {
        match &self.phase {
            Phase::Closed { .. } => {
                if !passed {
                    return None;
                }
                self.calls.insert(call, self.epoch);
            }
            Phase::Trial { .. } => {
                if passed {
                    return None;
                }
            }
            Phase::Open { since, waits } => {
                let reset = if *waits { terms.reset } else { Duration::ZERO };
                // Not before the earliest moment, nor refused after the latest.
                let may_pass = at.1 + terms.grain >= since.0 + reset;
                let may_refuse = at.0 < since.1 + reset + terms.late;
                if (passed && !may_pass) || (!passed && !may_refuse) {
                    return None;
                }
                if passed {
                    self.phase = Phase::Trial { call };
                    self.calls.insert(call, self.epoch);
                }
            }
        }
        Some(self)
    }

    fn ended(mut self, terms: &Terms, call: usize, at: Between, how: End) -> Self {
        if self.calls.remove(&call) != Some(self.epoch) {
            return self;
        }
        let opened = Phase::Open {
            since: at,
            waits: true,
        };
        match (&mut self.phase, how) {
            (Phase::Closed { failures }, End::Success) => *failures = 0,
            (Phase::Closed { failures }, End::Failure) => {
                *failures += 1;
                if *failures >= terms.max_failures {
                    self.phase = opened;
                    self.epoch += 1;
                }
            }
            (Phase::Trial { call: trial }, how) if *trial == call => match how {
                End::Success => self.phase = Phase::Closed { failures: 0 },
                End::Failure => {
                    self.phase = opened;
                    self.epoch += 1;
                }
                End::Abandoned => {
                    self.phase = Phase::Open {
                        since: at,
                        waits: false,
                    };
                }
            },
            _ => {}
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMS: Terms = Terms {
        max_failures: 2,
        reset: Duration::from_secs(10),
        grain: Duration::from_millis(1),
        late: Duration::from_secs(1),
    };

    /// `a3p` asks for call 3 and passes, `a3r` is refused, `e3s`, `e3f` and `e3a` end it; a number
    /// alone is the second at which the next happens.
    fn seen(story: &str) -> Result<(), String> {
        let mut model = Model::closed(TERMS);
        let mut now = Duration::ZERO;
        for word in story.split(' ') {
            let call = usize::from(word.as_bytes()[1.min(word.len() - 1)] - b'0');
            let at = Between(now, now);
            let event = match (&word[..1], word.chars().last()) {
                ("a", last) => Event::Asked {
                    call,
                    at,
                    passed: last == Some('p'),
                },
                ("e", last) => Event::Ended {
                    call,
                    at,
                    how: match last {
                        Some('s') => End::Success,
                        Some('f') => End::Failure,
                        _ => End::Abandoned,
                    },
                },
                _ => {
                    now = Duration::from_secs(word.parse().expect("a second"));
                    continue;
                }
            };
            model.see(event)?;
        }
        Ok(())
    }

    #[track_caller]
    fn right(story: &str) {
        assert_eq!(seen(story), Ok(()), "{story}");
    }

    #[track_caller]
    fn wrong(story: &str) {
        assert!(seen(story).is_err(), "{story}");
    }

    #[test]
    fn failures_in_a_row_open_it() {
        right("a1p e1f a2p e2f a3r");
        wrong("a1p e1f a2p e2f a3p");
        wrong("a1p e1f a2r");
        right("a1p e1f a2p e2s a3p e3f a4p");
        wrong("a1p e1f a2p e2s a3p e3f a4r");
    }

    #[test]
    fn an_abandoned_call_is_neither() {
        right("a1p e1f a2p e2a a3p e3f a4r");
        right("a1p a2p a3p e1a e2a e3a a4p");
        wrong("a1p a2p e1a e2a a3r");
    }

    #[test]
    fn answers_to_calls_from_before_it_opened_change_nothing() {
        right("a1p a2p a3p e1f e2f e3s a4r");
        wrong("a1p a2p a3p e1f e2f e3s a4p");
        // A late failure does not begin the period anew.
        right("a1p a2p a3p e1f e2f 5 e3f 10 a4p");
        wrong("a1p a2p a3p e1f e2f 5 e3f 12 a4r");
        // Nor does a late one count once it has closed again.
        right("a1p a2p a3p e1f e2f 10 a4p e4s a5p e5f e3f a6p");
    }

    #[test]
    fn one_trial_goes_through_when_the_time_is_up() {
        right("a1p e1f a2p e2f 9 a3r 10 a3p a4r a5r e3s a6p a7p");
        wrong("a1p e1f a2p e2f 9 a3p");
        wrong("a1p e1f a2p e2f 10 a3p a4p");
        wrong("a1p e1f a2p e2f 12 a3r");
        right("a1p e1f a2p e2f 10 a3p e3f 19 a4r 20 a4p");
        wrong("a1p e1f a2p e2f 10 a3p e3f 19 a4p");
        wrong("a1p e1f a2p e2f 10 a3p e3s a4p e4f a5r");
    }

    #[test]
    fn an_abandoned_trial_makes_the_next_call_the_trial() {
        right("a1p e1f a2p e2f 10 a3p e3a a4p a5r e4s a6p");
        wrong("a1p e1f a2p e2f 10 a3p e3a 12 a4r");
        wrong("a1p e1f a2p e2f 10 a3p e3a a4p a5p");
    }

    #[test]
    fn between_two_moments_either_may_be_seen() {
        let ask = |passed| {
            let mut model = Model::closed(TERMS);
            let second = |it| Duration::from_secs(it);
            for call in [1, 2] {
                let at = Between(second(0), second(0));
                model
                    .see(Event::Asked {
                        call,
                        at,
                        passed: true,
                    })
                    .expect("closed");
                let at = Between(second(0), second(3));
                model
                    .see(Event::Ended {
                        call,
                        at,
                        how: End::Failure,
                    })
                    .expect("fits");
            }
            let at = Between(second(11), second(11));
            model.see(Event::Asked {
                call: 3,
                at,
                passed,
            })
        };
        assert!(ask(true).is_ok() && ask(false).is_ok());
    }
}
