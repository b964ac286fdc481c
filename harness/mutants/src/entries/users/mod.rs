//! Users one by one: owners of emails, ids, updates, and what reads see.

mod elsewhere;
mod ids;
mod moments;
mod owners;
pub mod reads;
mod updates;

use crate::entry::Entry;

pub fn entries() -> Vec<Entry> {
    [
        elsewhere::entries(),
        owners::entries(),
        ids::entries(),
        updates::entries(),
        moments::entries(),
        reads::entries(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
