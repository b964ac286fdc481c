//! Any users are listed in every order of the model (USR-13), on a deployment without other users.

use conformance_engine::failure::StepResult;
use futures::FutureExt as _;
use proptest::prelude::*;
use user_proto::v1::{ListUsersRequest, UpdateUserRequest, User};

use super::texts::name_text;
use super::{Tried, created, holds, ok, unique};
use crate::drivers::users::Users;
use crate::model::SortKey;

/// Creates users with any names, changes some, and lists them in every order; three times.
pub async fn check(clients: Vec<Users>, seed: u64) -> StepResult {
    holds(
        "users come in order by code point",
        seed,
        3,
        inputs,
        move |(users, page_size)| {
            let clients = clients.clone();
            async move { in_every_order(&clients, &users, page_size).await }.boxed()
        },
    )
    .await
}

/// Emails' local parts, names, whether to change the user; and a page size.
fn inputs() -> impl Strategy<Value = (Vec<(String, String, bool)>, i32)> {
    let letters = prop_oneof![
        Just("a"),
        Just("B"),
        Just("Z"),
        Just("z"),
        Just("_"),
        Just("\u{e9}"),
        Just("\u{ff5e}"),
        Just("\u{1f600}"),
        Just("~"),
        Just("-"),
        Just("1"),
        Just("\u{df}"),
    ];
    let local = proptest::collection::vec(letters, 1..4).prop_map(|it| it.concat());
    let users = proptest::collection::vec((local, name_text(), any::<bool>()), 2..25);
    (users, 1_i32..9)
}

async fn in_every_order(
    clients: &[Users],
    drawn: &[(String, String, bool)],
    page_size: i32,
) -> Tried {
    let mut users = Vec::new();
    let run = unique();
    for (index, (local, name, change)) in drawn.iter().enumerate() {
        // The number at the end keeps emails apart without deciding their order.
        let email = format!("{local}@{index}.{run}.example");
        let name = if name.trim().is_empty() {
            "x"
        } else {
            name.trim()
        };
        users.push((created(&clients[0], &email, name).await?, *change));
    }
    let mut known = Vec::new();
    for (user, change) in users {
        let request = UpdateUserRequest {
            id: user.id.clone(),
            status: Some(2),
            ..Default::default()
        };
        known.push(if change {
            ok(clients[0].update(request).await)?
        } else {
            user
        });
    }
    let tried = async {
        for key in SortKey::ALL {
            for descending in [false, true] {
                let pages = clients
                    .iter()
                    .map(|it| listed(it, key, descending, page_size));
                let seen = futures::future::try_join_all(pages).await?;
                for listed in &seen {
                    judge(&known, listed, key, descending)?;
                }
                if seen.iter().any(|it| ids(it) != ids(&seen[0])) {
                    return Err(format!("two instances order by {} differently", key.word()));
                }
            }
        }
        Ok(())
    }
    .await;
    for user in &known {
        ok(clients[0].delete(&user.id).await)?;
    }
    tried
}

fn ids(users: &[User]) -> Vec<&str> {
    users.iter().map(|it| it.id.as_str()).collect()
}

async fn listed(
    client: &Users,
    key: SortKey,
    descending: bool,
    page_size: i32,
) -> Result<Vec<User>, String> {
    let order_by = if descending {
        format!("{} desc", key.word())
    } else {
        key.word().to_owned()
    };
    let request = ListUsersRequest {
        order_by,
        page_size,
        ..Default::default()
    };
    let page = ok(client.list(request.clone()).await)?;
    super::pagination::rest(client, request, page).await
}

fn judge(known: &[User], listed: &[User], key: SortKey, descending: bool) -> Tried {
    let mut wanted = ids(known);
    let mut found = ids(listed);
    wanted.sort_unstable();
    found.sort_unstable();
    if wanted != found {
        return Err(format!(
            "order {}: {} users listed, {} are there",
            key.word(),
            listed.len(),
            known.len()
        ));
    }
    for pair in listed.windows(2) {
        let (first, second) = if descending {
            (&pair[1], &pair[0])
        } else {
            (&pair[0], &pair[1])
        };
        if key.compare(first, second).is_gt() {
            let shown = |it: &User| format!("{:?} <{}>", it.name, it.email);
            return Err(format!(
                "order {}{}: {} stands before {}",
                key.word(),
                if descending { " desc" } else { "" },
                shown(&pair[0]),
                shown(&pair[1])
            ));
        }
    }
    Ok(())
}
