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

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: Duration = Duration::from_secs(30);

    /// A breaker that opens at the third failure, and its clock.
    struct Bench {
        breaker: Breaker,
        now: Instant,
    }

    impl Bench {
        fn new() -> Self {
            let settings = BreakerSettings {
                max_failures: 3,
                reset_timeout: PERIOD,
            };
            Self {
                breaker: Breaker::new(BreakerRules::default(), settings),
                now: Instant::now(),
            }
        }

        fn open() -> Self {
            let mut bench = Self::new();
            bench.ends([Code::Unavailable; 3]);
            bench
        }

        fn begins(&mut self) -> Ticket {
            self.breaker.admit(self.now).expect("a call goes through")
        }

        fn settles(&mut self, ticket: &Ticket, code: impl Into<Option<Code>>) {
            self.breaker.settle(ticket, code.into(), self.now);
        }

        /// Calls, one after the other, that end so.
        fn ends(&mut self, codes: impl IntoIterator<Item = Code>) {
            for code in codes {
                let ticket = self.begins();
                self.settles(&ticket, code);
            }
        }

        #[track_caller]
        fn check_open(&mut self, retry_after: u64) {
            assert_eq!(self.breaker.check(self.now), Err(Open { retry_after }));
            assert_eq!(self.breaker.admit(self.now), Err(Open { retry_after }));
        }

        #[track_caller]
        fn check_closed(&mut self) {
            assert!(!self.begins().is_trial);
        }
    }

    #[test]
    fn it_opens_at_the_last_of_so_many_failures_in_a_row() {
        let mut bench = Bench::new();
        bench.ends([Code::Unavailable, Code::DeadlineExceeded]);
        bench.check_closed();
        bench.ends([Code::Internal]);
        bench.check_open(30);
    }

    #[test]
    fn only_some_codes_are_failures() {
        let failures = (0..=16).filter(|code| {
            let mut bench = Bench::new();
            bench.ends([Code::from(*code); 3]);
            bench.breaker.check(bench.now).is_err()
        });
        // UNKNOWN, DEADLINE_EXCEEDED, INTERNAL, UNAVAILABLE
        assert_eq!(failures.collect::<Vec<_>>(), [2, 4, 13, 14]);
    }

    #[test]
    fn a_success_sets_the_count_to_nought() {
        let mut bench = Bench::new();
        bench.ends([
            Code::Unknown,
            Code::Unknown,
            Code::NotFound,
            Code::Unknown,
            Code::Unknown,
        ]);
        bench.check_closed();
    }

    #[test]
    fn an_abandoned_call_is_neither() {
        let mut bench = Bench::new();
        bench.ends([Code::Unavailable; 2]);
        let ticket = bench.begins();
        bench.settles(&ticket, None);
        bench.check_closed();
        bench.ends([Code::Unavailable]);
        bench.check_open(30);
    }

    #[test]
    fn whole_seconds_are_told_and_never_nought() {
        let mut bench = Bench::open();
        bench.now += Duration::from_millis(500);
        bench.check_open(30);
        bench.now += Duration::from_millis(29_400);
        bench.check_open(1);
    }

    #[test]
    fn after_its_time_one_call_goes_through() {
        let mut bench = Bench::open();
        bench.now += PERIOD;
        assert!(bench.begins().is_trial);
        bench.check_open(1);
    }

    #[test]
    fn a_trial_that_succeeds_closes_it() {
        let mut bench = Bench::open();
        bench.now += PERIOD;
        bench.ends([Code::NotFound]);
        bench.check_closed();
        bench.ends([Code::Unavailable; 2]);
        bench.check_closed();
    }

    #[test]
    fn a_trial_that_fails_opens_it_for_another_whole_period() {
        let mut bench = Bench::open();
        bench.now += PERIOD;
        let trial = bench.begins();
        bench.now += PERIOD;
        bench.settles(&trial, Code::Unavailable);
        bench.check_open(30);
    }

    #[test]
    fn an_abandoned_trial_makes_the_next_call_the_trial() {
        let mut bench = Bench::open();
        bench.now += PERIOD;
        let trial = bench.begins();
        bench.settles(&trial, None);
        assert!(bench.begins().is_trial);
        bench.check_open(1);
    }

    #[test]
    fn answers_to_earlier_calls_change_nothing() {
        let mut bench = Bench::new();
        let early: Vec<_> = (0..4).map(|_| bench.begins()).collect();
        bench.ends([Code::Unavailable; 3]);
        bench.settles(&early[0], Code::Ok);
        bench.check_open(30);
        bench.now += PERIOD;
        let trial = bench.begins();
        bench.settles(&early[1], Code::Ok);
        bench.settles(&early[2], None);
        bench.check_open(1);
        bench.settles(&trial, Code::Ok);
        bench.settles(&early[3], Code::Unavailable);
        bench.ends([Code::Unavailable; 2]);
        bench.check_closed();
    }
}
