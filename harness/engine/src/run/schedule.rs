//! Which case begins next: long and short ones share the slots.

use std::sync::Arc;

use crate::features::cases::Case;

/// The cases that have not begun.
///
/// A long case (`@slow`) mostly waits for one of the contract's times. Half of the slots are for them while
/// there are any: at the end, the last of them would run by itself, and in every slot they would leave the
/// machine idle.
pub(super) struct Queue {
    long: std::vec::IntoIter<Arc<Case>>,
    short: std::vec::IntoIter<Arc<Case>>,
    long_running: usize,
}

impl Queue {
    pub(super) fn new(cases: Vec<Arc<Case>>) -> Self {
        let (long, short): (Vec<_>, Vec<_>) = cases.into_iter().partition(|it| is_long(it));
        Self {
            long: long.into_iter(),
            short: short.into_iter(),
            long_running: 0,
        }
    }

    /// The case that begins next, with so many slots in all.
    pub(super) fn next(&mut self, jobs: usize) -> Option<Arc<Case>> {
        let is_turn = self.long_running < jobs.div_ceil(2) || self.short.len() == 0;
        let long = is_turn.then(|| self.long.next()).flatten();
        self.long_running += usize::from(long.is_some());
        long.or_else(|| self.short.next())
    }

    pub(super) fn ended(&mut self, case: &Case) {
        self.long_running -= usize::from(is_long(case));
    }
}

/// Whether a case mostly waits for one of the contract's times.
pub(super) fn is_long(case: &Case) -> bool {
    case.has_tag("slow")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::samples::case;

    /// `l` is a long case, `s` a short one.
    fn queue(cases: &str) -> Queue {
        let case = |kind: char| match kind {
            'l' => case("a long one", &["slow"]),
            _ => case("a short one", &[]),
        };
        Queue::new(cases.chars().map(case).collect())
    }

    fn kind(case: &Case) -> char {
        if is_long(case) { 'l' } else { 's' }
    }

    /// Fills all slots, and returns what began.
    fn fill(queue: &mut Queue, slots: usize) -> (String, Vec<Arc<Case>>) {
        let begun: Vec<_> = (0..slots).map_while(|_| queue.next(slots)).collect();
        (begun.iter().map(|case| kind(case)).collect(), begun)
    }

    #[test]
    fn half_of_the_slots_are_for_long_cases_as_long_as_there_are_short_ones() {
        assert_eq!(fill(&mut queue("llllssss"), 4).0, "llss");
        assert_eq!(
            fill(&mut queue("llllssss"), 5).0,
            "lllss",
            "the larger half"
        );
        assert_eq!(
            fill(&mut queue("ls"), 1).0,
            "l",
            "one slot is enough for each kind"
        );
    }

    #[test]
    fn long_cases_take_every_slot_once_no_short_one_waits() {
        assert_eq!(fill(&mut queue("lllls"), 4).0, "llsl");
        assert_eq!(fill(&mut queue("llll"), 4).0, "llll");
        assert_eq!(fill(&mut queue("ssss"), 4).0, "ssss");
    }

    #[test]
    fn a_long_case_that_has_ended_makes_place_for_another_long_one() {
        let mut queue = queue("lllssssss");
        let (begun, running) = fill(&mut queue, 4);
        assert_eq!(begun, "llss");
        let long = running.iter().find(|case| is_long(case)).unwrap();
        queue.ended(long);
        assert_eq!(queue.next(4).as_deref().map(kind), Some('l'));
        let short = running.iter().find(|case| !is_long(case)).unwrap();
        queue.ended(short);
        assert_eq!(queue.next(4).as_deref().map(kind), Some('s'));
    }

    #[test]
    fn every_case_begins_once_for_any_number_of_slots() {
        for slots in 1..9 {
            let mut queue = queue("lsllsslsss");
            let mut begun = String::new();
            while let Some(case) = queue.next(slots) {
                begun.push(kind(&case));
                queue.ended(&case);
            }
            let long = begun.chars().filter(|kind| *kind == 'l').count();
            assert_eq!((begun.len(), long), (10, 4), "{slots} slots: {begun}");
        }
    }

    #[test]
    fn a_queue_without_a_case_begins_nothing() {
        assert!(queue("").next(4).is_none());
    }
}
