//! Messages of unary calls that no server can decode (GRP-3).

use prost::Message as _;
use user_proto::v1::{
    CreateUserRequest, DeleteUserRequest, GetUserRequest, ListUsersRequest, UpdateUserRequest,
};

/// A method and the bytes of its request.
pub type EncodedCall = (&'static str, Vec<u8>);

/// Every unary method.
pub const METHODS: [&str; 5] = [
    "CreateUser",
    "GetUser",
    "UpdateUser",
    "DeleteUser",
    "ListUsers",
];

/// Bytes that no message begins with, by their description.
pub fn garbage(description: &str) -> Option<Vec<u8>> {
    Some(match description {
        // Field 1 has 100 bytes, and 3 are there.
        "a field that ends too soon" => b"\x0a\x64abc".to_vec(),
        "a number that does not end" => [0x08; 1].into_iter().chain([0xff; 20]).collect(),
        "a type that does not exist" => b"\x0e\x0f".to_vec(),
        _ => return None,
    })
}

/// A placeholder in texts for the invalid bytes, of the same length.
const MARK: &str = "\u{1}\u{2}";

/// Requests of every method with a string that is no UTF-8, one for each string; `create` and `id` are valid.
pub fn without_utf8(create: &CreateUserRequest, id: &str) -> Vec<EncodedCall> {
    let mut calls = creates(create);
    calls.extend(updates(id));
    let id = MARK.to_owned();
    let get = GetUserRequest { id: id.clone() };
    calls.push(("GetUser", get.encode_to_vec()));
    calls.push(("DeleteUser", DeleteUserRequest { id }.encode_to_vec()));
    let list = ListUsersRequest {
        filter: format!("name={MARK}"),
        ..ListUsersRequest::default()
    };
    calls.push(("ListUsers", list.encode_to_vec()));
    for (_, message) in &mut calls {
        corrupt(message);
    }
    calls
}

fn creates(valid: &CreateUserRequest) -> Vec<EncodedCall> {
    type Change = fn(&mut CreateUserRequest);
    let changes: [Change; 5] = [
        |create| create.email = format!("{MARK}{}", create.email),
        |create| MARK.clone_into(&mut create.name),
        |create| create.password = format!("password{MARK}"),
        |create| drop(create.metadata.insert(MARK.to_owned(), "x".to_owned())),
        |create| drop(create.metadata.insert("x".to_owned(), MARK.to_owned())),
    ];
    let calls = changes.into_iter().map(|change| {
        let mut create = valid.clone();
        change(&mut create);
        ("CreateUser", create.encode_to_vec())
    });
    calls.collect()
}

fn updates(id: &str) -> [EncodedCall; 2] {
    let renamed = UpdateUserRequest {
        id: id.to_owned(),
        name: Some(MARK.to_owned()),
        ..UpdateUserRequest::default()
    };
    let noted = UpdateUserRequest {
        id: id.to_owned(),
        metadata: [("x".to_owned(), MARK.to_owned())].into(),
        ..UpdateUserRequest::default()
    };
    [renamed, noted].map(|update| ("UpdateUser", update.encode_to_vec()))
}

/// Replaces the placeholder by the start of a character without its end.
fn corrupt(message: &mut [u8]) {
    let mark = MARK.as_bytes();
    let found = message.windows(mark.len()).rposition(|bytes| bytes == mark);
    if let Some(at) = found {
        message[at..][..mark.len()].copy_from_slice(b"\xff\xc3");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_decoded((method, message): &EncodedCall) -> bool {
        let message = message.as_slice();
        match *method {
            "CreateUser" => CreateUserRequest::decode(message).is_ok(),
            "GetUser" => GetUserRequest::decode(message).is_ok(),
            "UpdateUser" => UpdateUserRequest::decode(message).is_ok(),
            "DeleteUser" => DeleteUserRequest::decode(message).is_ok(),
            _ => ListUsersRequest::decode(message).is_ok(),
        }
    }

    #[test]
    fn no_request_without_utf8_can_be_decoded() {
        let create = CreateUserRequest {
            email: "ada@example.com".to_owned(),
            name: "Ada".to_owned(),
            ..CreateUserRequest::default()
        };
        let calls = without_utf8(&create, "1");
        assert_eq!(calls.len(), 10);
        for method in METHODS {
            assert!(calls.iter().any(|call| call.0 == method), "{method}");
        }
        assert!(!calls.iter().any(is_decoded), "{calls:?}");
    }

    #[test]
    fn garbage_is_no_message_of_any_method() {
        for what in [
            "a field that ends too soon",
            "a number that does not end",
            "a type that does not exist",
        ] {
            let bytes = garbage(what).expect("a known description");
            for method in METHODS {
                assert!(!is_decoded(&(method, bytes.clone())), "{what}: {method}");
            }
        }
        assert_eq!(garbage("something else"), None);
    }
}
