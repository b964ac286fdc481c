//! The plumbing of gRPC.
//!
//! - [`reflection`]: what reflection says (GRP-2)
//! - [`calls`]: deadlines, limits and what is no call (GRP-3)

mod calls;
mod reflection;

use crate::entry::Entry;

pub fn entries() -> Vec<Entry> {
    [reflection::entries(), calls::deadlines(), calls::messages()]
        .into_iter()
        .flatten()
        .collect()
}
