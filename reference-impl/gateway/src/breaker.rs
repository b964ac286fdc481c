//! The circuit breaker as a state machine: no lock, no clock of its own (RES-3, RES-4).

use std::time::Duration;

use tokio::time::Instant;
use tonic::Code;

use crate::settings::BreakerSettings;

/// The decisions about the breaker. [`BreakerRules::default`] is the contract.
#[derive(Debug, Clone, Copy)]
pub struct BreakerRules {
    /// Whether a call that ended so counts as a failure (RES-3).
    pub is_failure: fn(Code) -> bool,
    /// How many calls go through as trials at a time (RES-4).
    pub trial_calls: u32,
    /// Whether a success sets the count to 0 (RES-3).
    pub success_resets: bool,
    /// Whether the answer to a call changes something that was sent before the breaker last changed (RES-3).
    pub stale_answers_count: bool,
    /// What a call counts as that its client abandoned (RES-3).
    pub abandoned: Outcome,
    /// Whether an abandoned trial makes the next call the trial (RES-4).
    pub abandoned_trial_is_freed: bool,
    /// The seconds in `Retry-After`, by the time until the breaker lets a trial through (RES-3).
    pub retry_after: fn(Duration) -> u64,
}

impl Default for BreakerRules {
    fn default() -> Self {
        Self {
            is_failure: |code| {
                matches!(
                    code,
                    Code::Unavailable | Code::DeadlineExceeded | Code::Internal | Code::Unknown
                )
            },
            trial_calls: 1,
            success_resets: true,
            stale_answers_count: false,
            abandoned: Outcome::Neither,
            abandoned_trial_is_freed: true,
            retry_after: |left| (left.as_secs() + u64::from(left.subsec_nanos() > 0)).max(1),
        }
    }
}

/// What became of a call, as the breaker sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The user service answered.
    Success,
    /// It did not, or badly.
    Failure,
    /// Nobody waited for the answer.
    Neither,
}

/// The breaker is open; a new call has a chance after so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Open {
    /// For `Retry-After`.
    pub retry_after: u64,
}

/// A call that the breaker let through. It is settled once.
#[derive(Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The state that let it through, by number.
    generation: u64,
    /// Whether it decides if the breaker closes.
    pub is_trial: bool,
}

/// Keeps calls from a user service that fails.
#[derive(Debug)]
pub struct Breaker {
    rules: BreakerRules,
    settings: BreakerSettings,
    state: State,
    /// Raised with each change of state, so that answers from before it are known.
    generation: u64,
}

#[derive(Debug)]
enum State {
    /// Calls go through; so many have failed in a row.
    Closed { failures: u32 },
    /// None goes through until then.
    Open { until: Instant },
    /// So many trials are running.
    HalfOpen { trials: u32 },
}

impl Breaker {
    /// A closed breaker.
    pub fn new(rules: BreakerRules, settings: BreakerSettings) -> Self {
        Self {
            rules,
            settings,
            state: State::Closed { failures: 0 },
            generation: 0,
        }
    }

    /// Asks whether a call may go out now.
    pub fn admit(&mut self, now: Instant) -> Result<Ticket, Open> {
        self.check(now)?;
        match &mut self.state {
            State::Closed { .. } => {}
            State::HalfOpen { trials } => *trials += 1,
            State::Open { .. } => self.change(State::HalfOpen { trials: 1 }),
        }
        Ok(Ticket {
            generation: self.generation,
            is_trial: matches!(self.state, State::HalfOpen { .. }),
        })
    }

    /// Whether a call might go out now; nothing is changed by asking.
    pub fn check(&self, now: Instant) -> Result<(), Open> {
        let left = match self.state {
            State::Open { until } if now < until => until - now,
            State::HalfOpen { trials } if trials >= self.rules.trial_calls => Duration::ZERO,
            _ => return Ok(()),
        };
        Err(Open {
            retry_after: (self.rules.retry_after)(left),
        })
    }

    /// Takes note of how a call ended: with this code, or abandoned.
    pub fn settle(&mut self, ticket: &Ticket, code: Option<Code>, now: Instant) {
        if ticket.generation != self.generation && !self.rules.stale_answers_count {
            return;
        }
        match self.outcome(code) {
            Outcome::Success => self.succeeded(),
            Outcome::Failure => self.failed(now),
            Outcome::Neither => self.abandoned(),
        }
    }

    fn outcome(&self, code: Option<Code>) -> Outcome {
        match code {
            None => self.rules.abandoned,
            Some(code) if (self.rules.is_failure)(code) => Outcome::Failure,
            Some(_) => Outcome::Success,
        }
    }

    fn succeeded(&mut self) {
        match &mut self.state {
            State::Closed { failures } if self.rules.success_resets => *failures = 0,
            State::Closed { .. } => {}
            State::Open { .. } | State::HalfOpen { .. } => {
                self.change(State::Closed { failures: 0 });
            }
        }
    }

    fn failed(&mut self, now: Instant) {
        if let State::Closed { failures } = &mut self.state {
            *failures += 1;
            if *failures < self.settings.max_failures {
                return;
            }
        }
        // A time that the clock cannot tell is as good as never.
        let until = now
            .checked_add(self.settings.reset_timeout)
            .unwrap_or_else(|| now + Duration::from_hours(24 * 365));
        self.change(State::Open { until });
    }

    fn abandoned(&mut self) {
        if let State::HalfOpen { trials } = &mut self.state
            && self.rules.abandoned_trial_is_freed
        {
            *trials = trials.saturating_sub(1);
        }
    }

    fn change(&mut self, state: State) {
        self.state = state;
        self.generation += 1;
    }
}
