//! How often a client may ping (GRP-5).

use std::time::Duration;

use tokio::time::Instant;

use super::frames::Head;

/// The decisions about pings. [`PingRules::default`] is the contract, as gRPC's own servers read it.
#[derive(Clone, Copy)]
pub struct PingRules {
    /// How many pings may come too soon; one more ends the connection.
    pub strikes: u32,
    /// Whether a ping comes too soon that comes so long after the one before; the minimum is the second.
    pub too_soon: fn(Duration, Duration) -> bool,
    /// Whether a frame that the server sends starts the count anew.
    pub forgives: fn(Head) -> bool,
}

impl Default for PingRules {
    fn default() -> Self {
        Self {
            strikes: 2,
            too_soon: |pause, minimum| pause < minimum,
            forgives: |head| head.is_headers() || head.is_data(),
        }
    }
}

/// The pings of one client. The clock is passed in.
#[derive(Clone)]
pub struct Pings {
    rules: PingRules,
    minimum: Duration,
    last: Option<Instant>,
    strikes: u32,
}

impl Pings {
    /// A client that may ping every `minimum`.
    pub fn new(rules: PingRules, minimum: Duration) -> Self {
        Self {
            rules,
            minimum,
            last: None,
            strikes: 0,
        }
    }

    /// A ping came; the answer says whether it may go on like this.
    pub fn received(&mut self, now: Instant) -> bool {
        let pause = self.last.replace(now).map(|last| now - last);
        if pause.is_some_and(|pause| (self.rules.too_soon)(pause, self.minimum)) {
            self.strikes += 1;
        }
        self.strikes <= self.rules.strikes
    }

    /// The server sent a frame. A client may want to know whether what came late was held up.
    pub fn sent(&mut self, head: Head) {
        if (self.rules.forgives)(head) {
            self.last = None;
            self.strikes = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINIMUM: Duration = Duration::from_secs(10);

    /// How many of 20 pings are borne, one after each of these pauses in turn.
    fn borne(pauses: &[Duration], mut between: impl FnMut(&mut Pings)) -> usize {
        let mut pings = Pings::new(PingRules::default(), MINIMUM);
        let mut now = Instant::now();
        let mut pauses = pauses.iter().cycle();
        (0..20)
            .take_while(|_| {
                now += *pauses.next().expect("they repeat");
                between(&mut pings);
                pings.received(now)
            })
            .count()
    }

    #[test]
    fn the_third_ping_that_comes_too_soon_is_one_too_many() {
        assert_eq!(borne(&[MINIMUM / 2], |_| {}), 3);
    }

    #[test]
    fn a_client_that_keeps_to_the_minimum_is_borne() {
        assert_eq!(borne(&[MINIMUM], |_| {}), 20);
    }

    #[test]
    fn what_came_in_time_does_not_undo_what_came_too_soon() {
        assert_eq!(borne(&[MINIMUM, MINIMUM / 2], |_| {}), 5);
    }

    #[test]
    fn headers_and_data_start_the_count_anew() {
        let answer = |kind| move |pings: &mut Pings| pings.sent(Head { kind, flags: 0 });
        assert_eq!(borne(&[MINIMUM / 2], answer(0)), 20);
        assert_eq!(borne(&[MINIMUM / 2], answer(1)), 20);
        assert_eq!(borne(&[MINIMUM / 2], answer(6)), 3);
    }
}
