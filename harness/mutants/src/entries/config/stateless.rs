//! CFG-9: what one instance keeps from the others.

use std::time::Duration;

use crate::entries::layered;
use crate::entries::users::reads::{Cached, WriteBehind};
use crate::entry::Entry;

pub fn entries() -> Vec<Entry> {
    vec![
        layered(
            "stateless-write-behind",
            "CFG-9",
            "a change is acknowledged half a second before it is stored",
            WriteBehind(Duration::from_millis(500)),
        ),
        layered(
            "stateless-cached",
            "CFG-9",
            "each instance keeps what it has read",
            Cached::default(),
        ),
    ]
}
