//! The circuit breaker as a state machine, without a lock or a clock of its own (RES-3, RES-4).

use std::time::Duration;

use tokio::time::Instant;
use tonic::Code;

use crate::clock;
use crate::settings::BreakerSettings;

/// The breaker refuses a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Open {
    /// `Retry-After`, in seconds.
    pub retry_after: u64,
}

/// Allows one call; its result is recorded once.
#[derive(Debug, PartialEq, Eq)]
pub struct Permit {
    /// The breaker's generation when the call began.
    generation: u64,
}

/// Keeps calls from a user service that fails.
#[derive(Debug)]
pub struct Breaker {
    settings: BreakerSettings,
    state: State,
    /// Raised with each change of state. A permit of an earlier generation belongs to a call that was sent
    /// before the change; its result is ignored.
    generation: u64,
}

#[derive(Debug)]
enum State {
    /// Calls are allowed; this many have failed in a row.
    Closed { failures: u32 },
    /// Calls are refused; the first one from `until` on is the trial.
    Open { until: Instant },
    /// The trial is running; other calls are refused.
    HalfOpen,
}

impl Breaker {
    /// A closed breaker.
    pub fn new(settings: BreakerSettings) -> Self {
        Self {
            settings,
            state: State::Closed { failures: 0 },
            generation: 0,
        }
    }

    /// Allows a call, or refuses it. The first one after the open period becomes the trial.
    pub fn try_acquire(&mut self, now: Instant) -> Result<Permit, Open> {
        self.check(now)?;
        if let State::Open { .. } = self.state {
            self.change(State::HalfOpen);
        }
        Ok(Permit {
            generation: self.generation,
        })
    }

    /// Whether a call would be allowed; changes nothing.
    pub fn check(&self, now: Instant) -> Result<(), Open> {
        match self.state {
            State::Open { until } if now < until => Err(Open {
                retry_after: seconds_rounded_up(until - now),
            }),
            State::HalfOpen => Err(Open { retry_after: 1 }),
            State::Open { .. } | State::Closed { .. } => Ok(()),
        }
    }

    /// Records how a call ended: with this code, or abandoned by its client.
    pub fn record(&mut self, permit: &Permit, code: Option<Code>, now: Instant) {
        if permit.generation != self.generation {
            return;
        }
        match code {
            Some(code) if is_failure(code) => self.record_failure(now),
            Some(_) => self.record_success(),
            None => self.record_abandoned(now),
        }
    }

    fn record_success(&mut self) {
        match &mut self.state {
            State::Closed { failures } => *failures = 0,
            State::Open { .. } | State::HalfOpen => self.change(State::Closed { failures: 0 }),
        }
    }

    fn record_failure(&mut self, now: Instant) {
        if let State::Closed { failures } = &mut self.state {
            *failures += 1;
            if *failures < self.settings.max_failures {
                return;
            }
        }
        let until = clock::after(now, self.settings.reset_timeout);
        self.change(State::Open { until });
    }

    /// An abandoned call is ignored; after an abandoned trial the next call is the trial.
    fn record_abandoned(&mut self, now: Instant) {
        if let State::HalfOpen = self.state {
            self.change(State::Open { until: now });
        }
    }

    fn change(&mut self, state: State) {
        self.state = state;
        self.generation += 1;
    }
}

fn is_failure(code: Code) -> bool {
    matches!(
        code,
        Code::Unavailable | Code::DeadlineExceeded | Code::Internal | Code::Unknown
    )
}

fn seconds_rounded_up(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: Duration = Duration::from_secs(30);

    /// A breaker that opens at the third failure, and its clock.
    struct Fixture {
        breaker: Breaker,
        now: Instant,
    }

    impl Fixture {
        fn new() -> Self {
            let settings = BreakerSettings {
                max_failures: 3,
                reset_timeout: PERIOD,
            };
            Self {
                breaker: Breaker::new(settings),
                now: Instant::now(),
            }
        }

        fn open() -> Self {
            let mut fixture = Self::new();
            fixture.calls([Code::Unavailable; 3]);
            fixture
        }

        fn begin(&mut self) -> Permit {
            self.breaker.try_acquire(self.now).expect("an allowed call")
        }

        fn end(&mut self, permit: &Permit, code: impl Into<Option<Code>>) {
            self.breaker.record(permit, code.into(), self.now);
        }

        /// Calls, one after the other, that end with these codes.
        fn calls(&mut self, codes: impl IntoIterator<Item = Code>) {
            for code in codes {
                let permit = self.begin();
                self.end(&permit, code);
            }
        }

        #[track_caller]
        fn check_open(&mut self, retry_after: u64) {
            assert_eq!(self.breaker.check(self.now), Err(Open { retry_after }));
            assert_eq!(
                self.breaker.try_acquire(self.now),
                Err(Open { retry_after })
            );
        }

        /// More than one call is allowed.
        #[track_caller]
        fn check_closed(&mut self) {
            self.begin();
            self.begin();
        }

        /// One call is allowed: the trial.
        #[track_caller]
        fn begin_trial(&mut self) -> Permit {
            let trial = self.begin();
            self.check_open(1);
            trial
        }
    }

    #[test]
    fn it_opens_at_the_last_of_so_many_failures_in_a_row() {
        let mut fixture = Fixture::new();
        fixture.calls([Code::Unavailable, Code::DeadlineExceeded]);
        fixture.check_closed();
        fixture.calls([Code::Internal]);
        fixture.check_open(30);
    }

    #[test]
    fn only_some_codes_are_failures() {
        let failures = (0..=16).filter(|code| {
            let mut fixture = Fixture::new();
            fixture.calls([Code::from(*code); 3]);
            fixture.breaker.check(fixture.now).is_err()
        });
        // UNKNOWN, DEADLINE_EXCEEDED, INTERNAL, UNAVAILABLE
        assert_eq!(failures.collect::<Vec<_>>(), [2, 4, 13, 14]);
    }

    #[test]
    fn a_success_sets_the_count_to_zero() {
        let mut fixture = Fixture::new();
        fixture.calls([Code::Unknown, Code::Unknown, Code::NotFound]);
        fixture.calls([Code::Unknown, Code::Unknown]);
        fixture.check_closed();
    }

    #[test]
    fn an_abandoned_call_is_ignored() {
        let mut fixture = Fixture::new();
        fixture.calls([Code::Unavailable; 2]);
        let permit = fixture.begin();
        fixture.end(&permit, None);
        fixture.check_closed();
        fixture.calls([Code::Unavailable]);
        fixture.check_open(30);
    }

    #[test]
    fn retry_after_is_rounded_up() {
        let mut fixture = Fixture::open();
        fixture.now += Duration::from_millis(500);
        fixture.check_open(30);
        fixture.now += Duration::from_millis(29_400);
        fixture.check_open(1);
    }

    #[test]
    fn after_the_open_period_one_call_is_allowed() {
        let mut fixture = Fixture::open();
        fixture.now += PERIOD;
        fixture.begin_trial();
    }

    #[test]
    fn a_trial_that_succeeds_closes_it() {
        let mut fixture = Fixture::open();
        fixture.now += PERIOD;
        fixture.calls([Code::NotFound]);
        fixture.check_closed();
        fixture.calls([Code::Unavailable; 2]);
        fixture.check_closed();
    }

    #[test]
    fn a_trial_that_fails_opens_it_for_another_whole_period() {
        let mut fixture = Fixture::open();
        fixture.now += PERIOD;
        let trial = fixture.begin_trial();
        fixture.now += PERIOD;
        fixture.end(&trial, Code::Unavailable);
        fixture.check_open(30);
    }

    #[test]
    fn an_abandoned_trial_makes_the_next_call_the_trial() {
        let mut fixture = Fixture::open();
        fixture.now += PERIOD;
        let trial = fixture.begin_trial();
        fixture.end(&trial, None);
        fixture.begin_trial();
    }

    #[test]
    fn results_of_earlier_calls_change_nothing() {
        let mut fixture = Fixture::new();
        let early: Vec<_> = (0..4).map(|_| fixture.begin()).collect();
        fixture.calls([Code::Unavailable; 3]);
        fixture.end(&early[0], Code::Ok);
        fixture.check_open(30);
        fixture.now += PERIOD;
        let trial = fixture.begin_trial();
        fixture.end(&early[1], Code::Ok);
        fixture.end(&early[2], None);
        fixture.check_open(1);
        fixture.end(&trial, Code::Ok);
        fixture.end(&early[3], Code::Unavailable);
        fixture.calls([Code::Unavailable; 2]);
        fixture.check_closed();
    }
}
