//! The store against the contract.
//!
//! - [`writing`]: what is kept, refused and changed (USR-1 to USR-10)
//! - [`listing`]: pages, filters, orders, tokens, walks (USR-12 to USR-16)

mod listing;
mod writing;

use tonic::Code;

use super::*;

fn request(email: &str, name: &str) -> CreateUserRequest {
    CreateUserRequest {
        email: email.to_owned(),
        name: name.to_owned(),
        ..CreateUserRequest::default()
    }
}

fn change(id: &str) -> UpdateUserRequest {
    UpdateUserRequest {
        id: id.to_owned(),
        ..UpdateUserRequest::default()
    }
}

fn metadata(entries: impl IntoIterator<Item = (String, String)>) -> BTreeMap<String, String> {
    entries.into_iter().collect()
}

/// A store with Ada.
fn with_ada() -> (Store, User) {
    let store = Store::default();
    let ada = store.create(request("Ada@example.com", "Ada"));
    (store, ada.expect("a valid user"))
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, Status>, code: Code, message: &str) {
    let status = result.expect_err(message);
    assert_eq!((status.code(), status.message()), (code, message));
}

#[track_caller]
fn invalid<T: std::fmt::Debug>(result: Result<T, Status>, message: &str) {
    refused(result, Code::InvalidArgument, message);
}
