//! Any filter finds what the model finds (USR-14), on a deployment without other users.

use std::sync::Arc;

use conformance_engine::failure::{Failure, StepResult};
use futures::FutureExt as _;
use proptest::prelude::*;
use user_proto::v1::{CreateUserRequest, ListUsersRequest, UpdateUserRequest, User, UserStatus};

use super::{Tried, holds, ok, unique};
use crate::drivers::users::Users;
use crate::model::{self, FilterTerm};

/// Names that are difficult for a parser, or differ in little.
const NAMES: &[&str] = &[
    "Ada",
    "ada",
    "Ada Lovelace",
    "Ada ",
    "a AND b",
    "\"",
    "\\",
    "\\\"",
    "a\"b\\c",
    "name=Ada",
    "status=ACTIVE",
    "%",
    "_",
    "A%",
    "'",
    "\u{e9}",
    "e\u{301}",
    "\u{1f600}",
    "\u{ff5e}",
    "*",
    "NULL",
    "a=b",
    "a\u{a0}b",
    "\u{212a}",
];

/// Local parts of emails; the second half of each pair differs from the first in letter case.
const LOCALS: &[&str] = &[
    "ada",
    "GRACE",
    "\u{e9}va",
    "o'hara",
    "a%b",
    "a_b",
    "\"q\"",
    "back\\slash",
    "k\u{212a}",
];

/// Creates users, then sends any filter to the instances in turn.
pub async fn check(clients: Vec<Users>, seed: u64) -> StepResult {
    let run = unique();
    let users = populate(&clients[0], &run)
        .await
        .map_err(|it| Failure::mismatch("users to filter", it))?;
    let users = Arc::new(users);
    let count = clients.len();
    let inputs = move || {
        (
            proptest::collection::vec(term(&run), 0..4),
            0..count,
            1_i32..12,
        )
    };
    holds(
        "a filter finds what the model finds",
        seed,
        120,
        inputs,
        move |(terms, client, page_size)| {
            let client = clients[client].clone();
            let users = users.clone();
            async move { agree(&client, &users, &terms, page_size).await }.boxed()
        },
    )
    .await
}

fn term(run: &str) -> impl Strategy<Value = FilterTerm> + use<> {
    let run = run.to_owned();
    let email = (
        proptest::sample::select(LOCALS),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(move |(local, upper, quoted)| {
            let email = format!("{local}.{run}@example.com");
            FilterTerm::Email(
                if upper {
                    email.to_ascii_uppercase()
                } else {
                    email
                },
                quoted,
            )
        });
    let name = (proptest::sample::select(NAMES), any::<bool>())
        .prop_map(|(name, quoted)| FilterTerm::Name(name.to_owned(), quoted));
    let status = proptest::sample::select(
        &[
            UserStatus::Active,
            UserStatus::Inactive,
            UserStatus::Suspended,
        ][..],
    )
    .prop_map(FilterTerm::Status);
    prop_oneof![2 => email, 3 => name, 3 => status]
}

/// One user for each name and each local part, with the statuses in turn.
async fn populate(client: &Users, run: &str) -> Result<Vec<User>, String> {
    let statuses = [
        UserStatus::Active,
        UserStatus::Inactive,
        UserStatus::Suspended,
    ];
    let mut users = Vec::new();
    for index in 0..NAMES.len() + LOCALS.len() {
        let email = match LOCALS.get(index) {
            Some(local) => format!("{local}.{run}@example.com"),
            None => format!("u{index}.{run}@example.com"),
        };
        let name = NAMES[index % NAMES.len()].to_owned();
        let request = CreateUserRequest {
            email,
            name,
            ..Default::default()
        };
        let mut user = ok(client.create(request).await)?;
        let status = statuses[index % 3];
        if status != UserStatus::Active {
            let request = UpdateUserRequest {
                id: user.id,
                status: Some(status as i32),
                ..Default::default()
            };
            user = ok(client.update(request).await)?;
        }
        users.push(user);
    }
    Ok(users)
}

async fn agree(client: &Users, users: &[User], terms: &[FilterTerm], page_size: i32) -> Tried {
    let filter = model::filter(terms);
    let mut wanted: Vec<&str> = users
        .iter()
        .filter(|user| terms.iter().all(|it| it.holds(user)))
        .map(|it| it.id.as_str())
        .collect();
    let request = ListUsersRequest {
        filter: filter.clone(),
        page_size,
        ..Default::default()
    };
    let page =
        ok(client.list(request.clone()).await).map_err(|it| format!("filter {filter:?}: {it}"))?;
    if usize::try_from(page.total_count) != Ok(wanted.len()) {
        return Err(format!(
            "filter {filter:?}: total_count {} instead of {}",
            page.total_count,
            wanted.len()
        ));
    }
    let all = super::pagination::rest(client, request, page).await?;
    let mut found: Vec<&str> = all.iter().map(|it| it.id.as_str()).collect();
    wanted.sort_unstable();
    found.sort_unstable();
    if wanted == found {
        return Ok(());
    }
    let name = |ids: &[&str]| -> Vec<String> {
        let named = users.iter().filter(|it| ids.contains(&it.id.as_str()));
        named
            .map(|it| format!("{:?} <{}> {}", it.name, it.email, it.status))
            .collect()
    };
    Err(format!(
        "filter {filter:?} finds {:#?} instead of {:#?}",
        name(&found),
        name(&wanted)
    ))
}
