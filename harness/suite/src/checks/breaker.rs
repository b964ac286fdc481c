//! Whether the observed calls of a breaker agree with RES-3 and RES-4.
//!
//! An event inside a gateway is known only to have happened between two observed times. So the model keeps every state
//! that agrees with the observations so far; when none is left, the breaker is wrong.

use std::collections::BTreeMap;
use std::time::Duration;

use conformance_engine::failure::{Failure, StepResult};

/// The earliest and the latest time of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval(pub Duration, pub Duration);

/// How a breaker counts a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With an answer that is no failure.
    Success,
    /// With UNAVAILABLE, `DEADLINE_EXCEEDED`, INTERNAL or UNKNOWN.
    Failure,
    /// Its client cancelled it.
    Abandoned,
}

/// An observed event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The breaker let a call pass or refused it.
    Requested {
        /// The number of the call.
        call: usize,
        /// When it happened.
        at: Interval,
        /// Whether it reached the user service.
        passed: bool,
    },
    /// A call that had reached the user service ended.
    Completed {
        /// The number of the call.
        call: usize,
        /// When it happened.
        at: Interval,
        /// How the call ended.
        how: Outcome,
    },
    /// A call ended whose client had left, and which the gateway had let go on: one that cannot see its client
    /// leave counts the end, one that can counts nothing.
    CompletedUnseen {
        /// The number of the call.
        call: usize,
        /// When it happened.
        at: Interval,
        /// How the call ended.
        how: Outcome,
    },
}

/// Settings of a breaker, and the precision of the observations.
#[derive(Clone, Copy, Debug)]
pub struct BreakerSettings {
    /// `BREAKER_MAX_FAILURES`
    pub max_failures: u32,
    /// `BREAKER_RESET_TIMEOUT`
    pub reset: Duration,
    /// How early it may appear to let a call pass: the precision of clocks.
    pub tolerance: Duration,
    /// How late it may do so on a busy machine.
    pub allowance: Duration,
}

/// A state that agrees with the observations so far.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Candidate {
    phase: Phase,
    /// Incremented when the breaker opens: outcomes of earlier calls do not count.
    epoch: u32,
    /// The epoch of each running call.
    calls: BTreeMap<usize, u32>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    Closed {
        failures: u32,
    },
    /// Open for the reset timeout, or ready for a trial because the last trial was abandoned.
    Open {
        since: Interval,
        waits: bool,
    },
    Trial {
        call: usize,
    },
}

/// All states that agree with the observations so far.
#[derive(Clone, Debug)]
pub struct Model {
    settings: BreakerSettings,
    states: Vec<Candidate>,
}

impl Model {
    /// A closed breaker without failures.
    pub fn closed(settings: BreakerSettings) -> Self {
        let state = Candidate {
            phase: Phase::Closed { failures: 0 },
            epoch: 0,
            calls: BTreeMap::new(),
        };
        Self {
            settings,
            states: vec![state],
        }
    }

    /// Takes an event into account; the error says which states it contradicts.
    pub fn observe(&mut self, event: Event) -> Result<(), String> {
        let settings = self.settings;
        let before = std::mem::take(&mut self.states);
        self.states = before
            .iter()
            .flat_map(|it| it.clone().after(&settings, event))
            .collect();
        self.states.dedup();
        if self.states.is_empty() {
            return Err(format!("{event:?} does not fit {before:?}"));
        }
        Ok(())
    }
}

impl Candidate {
    fn after(self, settings: &BreakerSettings, event: Event) -> Vec<Self> {
        match event {
            Event::Requested { call, at, passed } => {
                let next = self.requested(settings, call, at, passed);
                next.into_iter().collect()
            }
            Event::Completed { call, at, how } => vec![self.completed(settings, call, at, how)],
            Event::CompletedUnseen { call, at, how } => vec![
                self.clone()
                    .completed(settings, call, at, Outcome::Abandoned),
                self.completed(settings, call, at, how),
            ],
        }
    }

    fn requested(
        mut self,
        settings: &BreakerSettings,
        call: usize,
        at: Interval,
        passed: bool,
    ) -> Option<Self> {
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
                let reset = if *waits {
                    settings.reset
                } else {
                    Duration::ZERO
                };
                // Not before the earliest moment, nor refused after the latest.
                let may_pass = at.1 + settings.tolerance >= since.0 + reset;
                let may_refuse = at.0 < since.1 + reset + settings.allowance;
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

    fn completed(
        mut self,
        settings: &BreakerSettings,
        call: usize,
        at: Interval,
        how: Outcome,
    ) -> Self {
        if self.calls.remove(&call) != Some(self.epoch) {
            return self;
        }
        let opened = Phase::Open {
            since: at,
            waits: true,
        };
        match (&mut self.phase, how) {
            (Phase::Closed { failures }, Outcome::Success) => *failures = 0,
            (Phase::Closed { failures }, Outcome::Failure) => {
                *failures += 1;
                if *failures >= settings.max_failures {
                    self.phase = opened;
                    self.epoch += 1;
                }
            }
            (Phase::Trial { call: trial }, how) if *trial == call => match how {
                Outcome::Success => self.phase = Phase::Closed { failures: 0 },
                Outcome::Failure => {
                    self.phase = opened;
                    self.epoch += 1;
                }
                Outcome::Abandoned => {
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

/// Checks that every request to an open breaker was refused; the errors say what came instead.
pub fn stayed_open(looks: &[Result<(), String>]) -> StepResult {
    if looks.is_empty() {
        return Err(Failure::broken("the machine is too busy to look in time"));
    }
    match looks.iter().find_map(|look| look.as_ref().err()) {
        None => Ok(()),
        Some(got) => Err(Failure::mismatch("an open breaker", got)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_breaker_that_let_one_request_through_did_not_stay_open() {
        let wrong = Err("200".to_owned());
        assert_eq!(stayed_open(&[Ok(()), Ok(())]), Ok(()));
        let failure = stayed_open(&[Ok(()), wrong]).expect_err("it let one through");
        assert_eq!(failure, Failure::mismatch("an open breaker", "200"));
    }

    #[test]
    fn without_a_request_nothing_is_known_of_a_breaker() {
        assert!(matches!(stayed_open(&[]), Err(Failure::Broken { .. })));
    }

    const SETTINGS: BreakerSettings = BreakerSettings {
        max_failures: 2,
        reset: Duration::from_secs(10),
        tolerance: Duration::from_millis(1),
        allowance: Duration::from_secs(1),
    };

    fn end(letter: Option<char>) -> Outcome {
        match letter {
            Some('s') => Outcome::Success,
            Some('f') => Outcome::Failure,
            _ => Outcome::Abandoned,
        }
    }

    /// `a3p`: call 3 requests admission and passes, `a3r`: it is refused, `e3s`, `e3f` and `e3a` end it, `u3f` ends it unseen; a
    /// number alone is the second at which the next happens.
    fn seen(story: &str) -> Result<(), String> {
        let mut model = Model::closed(SETTINGS);
        let mut now = Duration::ZERO;
        for word in story.split(' ') {
            let call = usize::from(word.as_bytes()[1.min(word.len() - 1)] - b'0');
            let at = Interval(now, now);
            let event = match (&word[..1], word.chars().last()) {
                ("a", last) => Event::Requested {
                    call,
                    at,
                    passed: last == Some('p'),
                },
                ("e", last) => Event::Completed {
                    call,
                    at,
                    how: end(last),
                },
                ("u", last) => Event::CompletedUnseen {
                    call,
                    at,
                    how: end(last),
                },
                _ => {
                    now = Duration::from_secs(word.parse().expect("a second"));
                    continue;
                }
            };
            model.observe(event)?;
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
    fn an_abandoned_call_that_went_on_may_count_at_its_end() {
        right("a1p e1f a2p u2f a3r");
        right("a1p e1f a2p u2f a3p");
        right("a1p e1f a2p u2s a3p e3f a4r");
        right("a1p e1f a2p u2s a3p e3f a4p");
        wrong("a1p a2p u2f a3r");
        right("a1p e1f a2p e2f 10 a3p u3f 11 a4r 20 a4p");
        right("a1p e1f a2p e2f 10 a3p u3f a4p a5r");
        wrong("a1p e1f a2p e2f 10 a3p u3f a4p a5p");
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
            let mut model = Model::closed(SETTINGS);
            let second = |it| Duration::from_secs(it);
            for call in [1, 2] {
                let at = Interval(second(0), second(0));
                model
                    .observe(Event::Requested {
                        call,
                        at,
                        passed: true,
                    })
                    .expect("closed");
                let at = Interval(second(0), second(3));
                model
                    .observe(Event::Completed {
                        call,
                        at,
                        how: Outcome::Failure,
                    })
                    .expect("fits");
            }
            let at = Interval(second(11), second(11));
            model.observe(Event::Requested {
                call: 3,
                at,
                passed,
            })
        };
        assert!(ask(true).is_ok() && ask(false).is_ok());
    }
}
