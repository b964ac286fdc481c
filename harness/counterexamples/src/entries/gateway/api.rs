//! GWY: routes, JSON, errors, ids.

use super::rules;
use crate::entry::Entry;

pub fn entries() -> Vec<Entry> {
    vec![rules(
        "gateway-any-request-id",
        "GWY-7",
        "any request id is taken as it is",
        |it| it.request_id = |_| true,
    )]
}
