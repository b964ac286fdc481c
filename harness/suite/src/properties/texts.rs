//! Any text in any field is kept byte for byte or refused, as the clauses say (USR-3, 4, 5, 17).

use std::collections::BTreeMap;

use conformance_engine::failure::StepResult;
use futures::FutureExt as _;
use proptest::prelude::*;
use user_proto::v1::{CreateUserRequest, ListUsersRequest, UpdateUserRequest};

use super::{Tried, holds, ok, unique};
use crate::drivers::Code;
use crate::drivers::users::{Users, shown};
use crate::model::{email_is_valid, metadata_is_valid, name_is_valid};

/// Snippets with a meaning in some language or format.
const HOSTILE: &[&str] = &[
    "'",
    "\"",
    "\\",
    "`",
    "--",
    ";",
    "%",
    "_",
    "*",
    "' OR '1'='1",
    "'); DROP TABLE users; --",
    "$1",
    "${jndi:ldap://127.0.0.1/x}",
    "{{7*7}}",
    "<script>",
    "\\u0000",
    "\\x00",
    "{\"$ne\":null}",
    "NULL",
    "null",
    "%s%n",
    "../../etc/passwd",
    "AND",
    " AND ",
    "=",
    "name=",
    "\u{202e}",
    "\u{200b}",
    "\u{feff}",
    "\u{1f600}",
    "\u{ff5e}",
    "e\u{301}",
    "\u{130}",
    "\u{212a}",
    "\u{df}",
];

/// Text of letters, hostile snippets, and now and then what is forbidden.
pub fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => proptest::sample::select(HOSTILE).prop_map(str::to_owned),
        4 => "[a-zA-Z0-9.+-]{1,8}",
        2 => any::<char>().prop_map(String::from),
        1 => proptest::sample::select(&["\u{0}", "\n", "\t", " ", "\u{7f}", "\u{85}", "\u{9f}", "\u{a0}", "\u{2028}", "\u{3000}"][..])
            .prop_map(str::to_owned),
    ];
    proptest::collection::vec(piece, 1..6).prop_map(|it| it.concat())
}

/// Text that a name may hold.
pub fn name_text() -> impl Strategy<Value = String> {
    text().prop_map(|it| it.chars().filter(|it| !it.is_control()).collect())
}

/// Any email is accepted or refused as USR-3 says.
pub async fn emails(client: Users, seed: u64) -> StepResult {
    let inputs = || {
        (
            text(),
            text(),
            prop_oneof![6 => Just("@"), 1 => Just(""), 1 => Just("@@")],
        )
    };
    holds(
        "an email is accepted or refused as USR-3 says",
        seed,
        60,
        inputs,
        move |(local, domain, at)| {
            let client = client.clone();
            async move {
                let email = format!("{local}{}{at}{domain}", unique());
                let request = CreateUserRequest {
                    email: email.clone(),
                    name: "Text".into(),
                    ..Default::default()
                };
                let valid = email_is_valid(&email);
                judged(&client, request, valid, "email is invalid", |user| {
                    user.email == email
                })
                .await
            }
            .boxed()
        },
    )
    .await
}

/// Any name is accepted or refused as USR-2 and USR-4 say.
pub async fn names(client: Users, seed: u64) -> StepResult {
    holds(
        "a name is accepted or refused as USR-4 says",
        seed,
        60,
        text,
        move |name| {
            let client = client.clone();
            async move {
                let request = CreateUserRequest {
                    email: email(),
                    name: name.clone(),
                    ..Default::default()
                };
                let refusal = if name.chars().all(char::is_whitespace) {
                    "name is required"
                } else {
                    "name is invalid"
                };
                // White space alone that holds a control character breaks two rules: either message will do.
                let refusals = if name.contains(char::is_control) {
                    "name is"
                } else {
                    refusal
                };
                judged(&client, request, name_is_valid(&name), refusals, |user| {
                    user.name == name
                })
                .await
            }
            .boxed()
        },
    )
    .await
}

/// Any metadata is accepted or refused as USR-5 says.
pub async fn metadata(client: Users, seed: u64) -> StepResult {
    let inputs = || {
        let long =
            (0_usize..80, "[a-z\u{e9}]{0,2}").prop_map(|(count, letter)| letter.repeat(count));
        let key = prop_oneof![4 => text(), 2 => long];
        let entries = proptest::collection::btree_map(key, text(), 0..70);
        (entries, 1_usize..120)
    };
    holds(
        "metadata is accepted or refused as USR-5 says",
        seed,
        40,
        inputs,
        move |(entries, times)| {
            let client = client.clone();
            async move {
                let metadata: BTreeMap<String, String> = entries
                    .into_iter()
                    .map(|(key, value)| (key, value.repeat(times)))
                    .collect();
                let request = CreateUserRequest {
                    email: email(),
                    name: "Text".into(),
                    metadata: metadata.clone(),
                    ..Default::default()
                };
                let valid = metadata_is_valid(metadata.iter());
                judged(&client, request, valid, "metadata is invalid", |user| {
                    user.metadata == metadata
                })
                .await
            }
            .boxed()
        },
    )
    .await
}

/// Any text in any field of any call never gives INTERNAL, and is kept where it is accepted.
pub async fn anywhere(client: Users, seed: u64) -> StepResult {
    let inputs = || (0_u8..9, text());
    holds(
        "any text is kept or refused, and never an internal error",
        seed,
        150,
        inputs,
        move |(field, text)| {
            let client = client.clone();
            async move { somewhere(&client, field, &text).await }.boxed()
        },
    )
    .await
}

async fn somewhere(client: &Users, field: u8, text: &str) -> Tried {
    let list = |filter: String, order_by: &str, page_token: &str| ListUsersRequest {
        page_size: 1,
        filter,
        order_by: order_by.to_owned(),
        page_token: page_token.to_owned(),
    };
    let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
    let (code, allowed): (Code, &[Code]) = match field {
        0 => (client.get(text).await.code(), &[Code::NotFound]),
        1 => (client.delete(text).await.code(), &[Code::NotFound]),
        2 => {
            let request = UpdateUserRequest {
                id: text.to_owned(),
                name: Some("Text".into()),
                ..Default::default()
            };
            (client.update(request).await.code(), &[Code::NotFound])
        }
        3 => (
            client.list(list(text.to_owned(), "", "")).await.code(),
            &[Code::Ok, Code::InvalidArgument],
        ),
        4 => (
            client.list(list(String::new(), text, "")).await.code(),
            &[Code::InvalidArgument],
        ),
        5 => (
            client.list(list(String::new(), "", text)).await.code(),
            &[Code::Ok, Code::InvalidArgument],
        ),
        6 => (
            client
                .list(list(format!("name=\"{quoted}\""), "", ""))
                .await
                .code(),
            &[Code::Ok, Code::InvalidArgument],
        ),
        7 => (
            client
                .list(list(format!("email=\"{quoted}\""), "", ""))
                .await
                .code(),
            &[Code::Ok, Code::InvalidArgument],
        ),
        _ => {
            let request = CreateUserRequest {
                email: email(),
                name: "Text".into(),
                password: text.to_owned(),
                ..Default::default()
            };
            (
                client.create(request).await.code(),
                &[Code::Ok, Code::InvalidArgument],
            )
        }
    };
    if allowed.contains(&code) {
        return Ok(());
    }
    Err(format!(
        "field {field} with {text:?} gives {}",
        crate::params::code_name(code)
    ))
}

fn email() -> String {
    format!("{}@text.example", unique())
}

/// Creates, and checks both the refusal and what is kept, in the answer and on reading again.
async fn judged(
    client: &Users,
    request: CreateUserRequest,
    valid: bool,
    refusal: &str,
    kept: impl Fn(&user_proto::v1::User) -> bool,
) -> Tried {
    let call = client.create(request).await;
    match (&call.result, valid) {
        (Ok(user), true) => {
            let again = ok(client.get(&user.id).await)?;
            if kept(user) && kept(&again) {
                return Ok(());
            }
            Err(format!(
                "accepted, but not kept as given: {user:?}, then {again:?}"
            ))
        }
        (Err(status), false)
            if status.code() == Code::InvalidArgument && status.message().starts_with(refusal) =>
        {
            Ok(())
        }
        (Ok(user), false) => Err(format!(
            "should be refused with INVALID_ARGUMENT {refusal:?}, and is accepted: {user:?}"
        )),
        (Err(status), true) => Err(format!("should be accepted, and gives {}", shown(status))),
        (Err(status), false) => Err(format!(
            "should give INVALID_ARGUMENT {refusal:?}, and gives {}",
            shown(status)
        )),
    }
}
