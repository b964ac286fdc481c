//! How often a client may ping (GRP-5), as gRPC's own servers read it.

use std::time::Duration;

use tokio::time::Instant;

use super::frames::Head;

/// How many pings may come too soon; one more ends the connection.
const STRIKES: u32 = 2;

/// Counts the pings of one client that come too soon. The clock is passed in.
#[derive(Clone)]
pub struct PingLimiter {
    minimum: Duration,
    last: Option<Instant>,
    strikes: u32,
}

impl PingLimiter {
    /// A client may ping every `minimum`.
    pub fn new(minimum: Duration) -> Self {
        Self {
            minimum,
            last: None,
            strikes: 0,
        }
    }

    /// A ping came. Returns whether the client may stay connected.
    pub fn received(&mut self, now: Instant) -> bool {
        let pause = self.last.replace(now).map(|last| now - last);
        if pause.is_some_and(|pause| pause < self.minimum) {
            self.strikes += 1;
        }
        self.strikes <= STRIKES
    }

    /// The server sent a frame. Headers and data start the count anew: a client may ping to learn whether
    /// what came late was held up.
    pub fn sent(&mut self, head: Head) {
        if head.is_headers() || head.is_data() {
            self.last = None;
            self.strikes = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINIMUM: Duration = Duration::from_secs(10);

    /// How many of 20 pings are accepted, one after each of these pauses in turn.
    fn accepted(pauses: &[Duration], mut between: impl FnMut(&mut PingLimiter)) -> usize {
        let mut limiter = PingLimiter::new(MINIMUM);
        let mut now = Instant::now();
        let mut pauses = pauses.iter().cycle();
        (0..20)
            .take_while(|_| {
                now += *pauses.next().expect("they repeat");
                between(&mut limiter);
                limiter.received(now)
            })
            .count()
    }

    #[test]
    fn the_third_ping_that_comes_too_soon_is_one_too_many() {
        assert_eq!(accepted(&[MINIMUM / 2], |_| {}), 3);
    }

    #[test]
    fn a_client_that_keeps_to_the_minimum_is_accepted() {
        assert_eq!(accepted(&[MINIMUM], |_| {}), 20);
    }

    #[test]
    fn what_came_in_time_does_not_undo_what_came_too_soon() {
        assert_eq!(accepted(&[MINIMUM, MINIMUM / 2], |_| {}), 5);
    }

    #[test]
    fn headers_and_data_start_the_count_anew() {
        let answer = |kind| move |limiter: &mut PingLimiter| limiter.sent(Head { kind, flags: 0 });
        assert_eq!(accepted(&[MINIMUM / 2], answer(0)), 20);
        assert_eq!(accepted(&[MINIMUM / 2], answer(1)), 20);
        assert_eq!(accepted(&[MINIMUM / 2], answer(6)), 3);
    }
}
