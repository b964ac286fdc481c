//! Answers that no user service may give.

use prost::Message as _;
use prost_types::Timestamp;
use user_proto::v1::{ListUsersResponse, User};

use super::answer::ScriptedAnswer;

/// The answer by its description, made from a valid user; none where the description is unknown.
///
/// Every method takes it: in each answer, the first field holds the user or the users.
pub fn invalid_answer(description: &str, mut user: User) -> Option<ScriptedAnswer> {
    let time = |seconds, nanos| Some(Timestamp { seconds, nanos });
    let message = match description {
        "an answer without a user" => Vec::new(),
        "a name that is no UTF-8" => without_utf8(user),
        "a timestamp that is far too late" => {
            user.created_at = time(i64::MAX / 2, 0);
            page(user)
        }
        "a timestamp of negative fractions" => {
            user.updated_at = time(1_700_000_000, -1);
            page(user)
        }
        "a user without an id" => {
            user.id.clear();
            page(user)
        }
        "a user of unknown status" => {
            user.status = 17;
            page(user)
        }
        _ => return None,
    };
    Some(ScriptedAnswer::Message(message.into()))
}

fn page(user: User) -> Vec<u8> {
    let page = ListUsersResponse {
        users: vec![user],
        ..ListUsersResponse::default()
    };
    page.encode_to_vec()
}

/// A page whose user has bytes for a name that are no UTF-8.
fn without_utf8(mut user: User) -> Vec<u8> {
    const NAME: &[u8] = b"NAME";
    user.name = String::from_utf8_lossy(NAME).into_owned();
    let mut message = page(user);
    let at = message.windows(NAME.len()).position(|bytes| bytes == NAME);
    let at = at.expect("a message holds the name of its user");
    message[at..at + NAME.len()].copy_from_slice(b"\xff\xfe\xc3\x28");
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(description: &str) -> Vec<u8> {
        match invalid_answer(description, User::default()) {
            Some(ScriptedAnswer::Message(message)) => message.to_vec(),
            other => panic!("{description}: {other:?}"),
        }
    }

    #[test]
    fn a_name_that_is_no_utf8_cannot_be_decoded() {
        let invalid = message("a name that is no UTF-8");
        assert!(ListUsersResponse::decode(invalid.as_slice()).is_err());
        let without_id = message("a user without an id");
        assert!(ListUsersResponse::decode(without_id.as_slice()).is_ok());
    }

    #[test]
    fn an_unknown_description_has_no_answer() {
        assert!(invalid_answer("a user with two ids", User::default()).is_none());
    }
}
