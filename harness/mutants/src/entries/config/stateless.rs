//! CFG-9: state that instances do not share.

use std::time::Duration;

use crate::entries::store_mutant;
use crate::entries::users::reads::{CachedUsers, WriteBehind};
use crate::mutant::Mutant;

pub fn mutants() -> Vec<Mutant> {
    vec![
        store_mutant(
            "stateless-write-behind",
            "CFG-9",
            "a change is acknowledged half a second before it is stored",
            WriteBehind(Duration::from_millis(500)),
        ),
        store_mutant(
            "stateless-cached",
            "CFG-9",
            "each instance caches the users that it read, without invalidation",
            CachedUsers::default(),
        ),
    ]
}
