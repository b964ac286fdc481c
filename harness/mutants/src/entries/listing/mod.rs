//! Lists: pages, orders, filters, tokens, walks.

mod filters;
mod hostile;
mod orders;
mod pages;
mod tokens;
mod walks;

use user_proto::v1::{ListUsersRequest, ListUsersResponse};
use user_service::dependencies::Dependencies;

use crate::entry::Entry;
use crate::wire;

pub fn entries() -> Vec<Entry> {
    [
        pages::entries(),
        orders::entries(),
        filters::entries(),
        hostile::entries(),
        tokens::entries(),
        walks::entries(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Changes every request for a list.
fn on_list_requests(it: &mut Dependencies, change: fn(&mut ListUsersRequest)) {
    wire::requests(it, "/ListUsers", change);
}

/// Changes every list.
fn on_list_responses(it: &mut Dependencies, change: fn(&mut ListUsersResponse)) {
    wire::answers(it, "/ListUsers", change);
}
