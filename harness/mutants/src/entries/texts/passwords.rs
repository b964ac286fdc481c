//! USR-6: what a password may hold, and what is kept of it.

use std::sync::Mutex;

use user_proto::v1::CreateUserRequest;

use super::on_create;
use crate::entries::parts;
use crate::entry::Entry;
use crate::wire;

/// The newest password that a client gave.
static GIVEN: Mutex<String> = Mutex::new(String::new());

pub fn entries() -> Vec<Entry> {
    vec![
        on_create(
            "password-required",
            "USR-6",
            "a password is required",
            |request| {
                if request.password.is_empty() {
                    request.password = "x".to_owned();
                }
            },
        ),
        parts(
            "password-in-an-unknown-field",
            "USR-6",
            "a create answers the password in a field that user.proto does not have",
            |_, dependencies| {
                wire::messages(dependencies, "/CreateUser", |message| {
                    let password = GIVEN.lock().expect("not poisoned").clone();
                    // Field 15 with a length.
                    message.extend([0x7a, u8::try_from(password.len()).unwrap_or(0)]);
                    message.extend(password.bytes().take(usize::from(u8::MAX)));
                });
                wire::requests::<CreateUserRequest>(dependencies, "/CreateUser", |request| {
                    GIVEN
                        .lock()
                        .expect("not poisoned")
                        .clone_from(&request.password);
                });
            },
        ),
        on_create(
            "password-returned",
            "USR-6",
            "the password comes back within the metadata",
            |request| {
                if !request.password.is_empty() {
                    request
                        .metadata
                        .insert("note".to_owned(), request.password.clone());
                }
            },
        ),
    ]
}
