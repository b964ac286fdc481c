//! Chooses which case starts next; long and short cases share the slots.

use std::sync::Arc;

use crate::features::cases::Case;

/// The cases that have not started.
///
/// A long case (`@slow`) mostly waits for a time limit of the contract. Up to half of the slots run long cases as
/// long as short ones are left: more would leave the machine idle, and fewer would leave long cases for the
/// end of the run.
pub(super) struct Queue {
    long: std::vec::IntoIter<Arc<Case>>,
    short: std::vec::IntoIter<Arc<Case>>,
    long_running: usize,
}

impl Queue {
    pub(super) fn new(cases: Vec<Arc<Case>>) -> Self {
        let (long, short): (Vec<_>, Vec<_>) = cases.into_iter().partition(|case| is_long(case));
        Self {
            long: long.into_iter(),
            short: short.into_iter(),
            long_running: 0,
        }
    }

    /// Takes the case that starts next, given the number of slots.
    pub(super) fn next(&mut self, slots: usize) -> Option<Arc<Case>> {
        let may_be_long = self.long_running < slots.div_ceil(2) || self.short.len() == 0;
        let long = may_be_long.then(|| self.long.next()).flatten();
        self.long_running += usize::from(long.is_some());
        long.or_else(|| self.short.next())
    }

    /// Frees the slot of a case that has ended.
    pub(super) fn release(&mut self, case: &Case) {
        self.long_running -= usize::from(is_long(case));
    }
}

/// Whether a case mostly waits for a time limit of the contract.
pub(super) fn is_long(case: &Case) -> bool {
    case.has_tag("slow")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::samples::case;

    /// A queue with a long case for each `l` and a short one for each `s`.
    fn queue(cases: &str) -> Queue {
        let case = |letter: char| match letter {
            'l' => case("a long one", &["slow"]),
            _ => case("a short one", &[]),
        };
        Queue::new(cases.chars().map(case).collect())
    }

    /// `l` for a long case, `s` for a short one.
    fn letter(case: &Case) -> char {
        if is_long(case) { 'l' } else { 's' }
    }

    /// Fills all slots, and returns the started cases as letters and as a list.
    fn fill(queue: &mut Queue, slots: usize) -> (String, Vec<Arc<Case>>) {
        let started: Vec<_> = (0..slots).map_while(|_| queue.next(slots)).collect();
        (started.iter().map(|case| letter(case)).collect(), started)
    }

    #[test]
    fn half_of_the_slots_run_long_cases_as_long_as_short_ones_are_left() {
        assert_eq!(fill(&mut queue("llllssss"), 4).0, "llss");
        assert_eq!(
            fill(&mut queue("llllssss"), 5).0,
            "lllss",
            "the larger half"
        );
        assert_eq!(
            fill(&mut queue("ls"), 1).0,
            "l",
            "a single slot runs long cases as well"
        );
    }

    #[test]
    fn long_cases_take_all_slots_once_no_short_one_is_left() {
        assert_eq!(fill(&mut queue("lllls"), 4).0, "llsl");
        assert_eq!(fill(&mut queue("llll"), 4).0, "llll");
        assert_eq!(fill(&mut queue("ssss"), 4).0, "ssss");
    }

    #[test]
    fn a_long_case_that_has_ended_is_replaced_by_another_long_one() {
        let mut queue = queue("lllssssss");
        let (started, running) = fill(&mut queue, 4);
        assert_eq!(started, "llss");
        let long = running.iter().find(|case| is_long(case)).unwrap();
        queue.release(long);
        assert_eq!(queue.next(4).as_deref().map(letter), Some('l'));
        let short = running.iter().find(|case| !is_long(case)).unwrap();
        queue.release(short);
        assert_eq!(queue.next(4).as_deref().map(letter), Some('s'));
    }

    #[test]
    fn every_case_starts_exactly_once_for_any_number_of_slots() {
        for slots in 1..9 {
            let mut queue = queue("lsllsslsss");
            let mut started = String::new();
            while let Some(case) = queue.next(slots) {
                started.push(letter(&case));
                queue.release(&case);
            }
            let long = started.chars().filter(|letter| *letter == 'l').count();
            assert_eq!((started.len(), long), (10, 4), "{slots} slots: {started}");
        }
    }

    #[test]
    fn an_empty_queue_returns_no_case() {
        assert!(queue("").next(4).is_none());
    }
}
