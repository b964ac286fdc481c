//! Parts of all mutants, for machines that run them side by side.

use std::str::FromStr;

/// One part of so many, which together are all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    number: usize,
    of: usize,
}

impl Shard {
    /// Whether the mutant at this place of the list is in it. Neighbours, which are similar, are in
    /// different shards.
    pub fn holds(self, place: usize) -> bool {
        place % self.of + 1 == self.number
    }
}

impl FromStr for Shard {
    type Err = &'static str;

    /// `K/N`: the K-th of N.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shard = text.split_once('/').and_then(|(number, of)| {
            let (number, of) = (number.parse().ok()?, of.parse().ok()?);
            (1..=of).contains(&number).then_some(Self { number, of })
        });
        shard.ok_or("is no K/N with K from 1 to N")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_share_all_mutants_out() {
        let shards = ["1/3", "2/3", "3/3"].map(|text| text.parse::<Shard>().expect("a shard"));
        for place in 0..10 {
            let holders = shards.iter().filter(|shard| shard.holds(place));
            assert_eq!(holders.count(), 1, "{place}");
        }
    }

    #[test]
    fn what_is_no_shard_is_refused() {
        for text in ["", "1", "0/3", "4/3", "1/0", "1/x", "-1/3", "1/2/3"] {
            assert!(text.parse::<Shard>().is_err(), "{text:?}");
        }
    }
}
