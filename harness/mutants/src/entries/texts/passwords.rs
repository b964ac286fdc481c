//! USR-6: passwords.

use std::sync::Mutex;

use user_proto::v1::CreateUserRequest;

use super::create_mutant;
use crate::entries::user_service_mutant;
use crate::mutant::Mutant;
use crate::wire;

/// The password of the last create request.
static LAST_PASSWORD: Mutex<String> = Mutex::new(String::new());

pub fn mutants() -> Vec<Mutant> {
    vec![
        create_mutant(
            "password-required",
            "USR-6",
            "a password is required",
            |request| {
                if request.password.is_empty() {
                    request.password = "x".to_owned();
                }
            },
        ),
        user_service_mutant(
            "password-in-an-unknown-field",
            "USR-6",
            "the response to a create contains the password in a field that user.proto does not define",
            |_, dependencies| {
                wire::change_response_bytes(dependencies, "/CreateUser", |message| {
                    let password = LAST_PASSWORD.lock().expect("not poisoned").clone();
                    // Tag of field 15, then the length.
                    message.extend([0x7a, u8::try_from(password.len()).unwrap_or(0)]);
                    message.extend(password.bytes().take(usize::from(u8::MAX)));
                });
                wire::change_requests::<CreateUserRequest>(
                    dependencies,
                    "/CreateUser",
                    |request| {
                        LAST_PASSWORD
                            .lock()
                            .expect("not poisoned")
                            .clone_from(&request.password);
                    },
                );
            },
        ),
        create_mutant(
            "password-returned",
            "USR-6",
            "the password is stored in the metadata",
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
