//! USR-12 to USR-17: lists of users.

mod filters;
mod hostile;
mod orders;
mod pages;
mod pagination;
mod tokens;

use user_proto::v1::{ListUsersRequest, ListUsersResponse};
use user_service::dependencies::Dependencies;

use crate::mutant::Mutant;
use crate::wire;

pub fn mutants() -> Vec<Mutant> {
    [
        pages::mutants(),
        orders::mutants(),
        filters::mutants(),
        hostile::mutants(),
        tokens::mutants(),
        pagination::mutants(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Changes every `ListUsers` request.
fn change_list_requests(dependencies: &mut Dependencies, change: fn(&mut ListUsersRequest)) {
    wire::change_requests(dependencies, "/ListUsers", change);
}

/// Changes every `ListUsers` response.
fn change_list_responses(dependencies: &mut Dependencies, change: fn(&mut ListUsersResponse)) {
    wire::change_responses(dependencies, "/ListUsers", change);
}
