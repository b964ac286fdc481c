//! Any listing over all pages returns every stable user exactly once while others write (USR-16).

use std::collections::BTreeMap;

use conformance_engine::failure::{Failure, StepResult};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio_util::sync::CancellationToken;
use user_proto::v1::{
    CreateUserRequest, ListUsersRequest, ListUsersResponse, UpdateUserRequest, User,
};

use super::{created, ok, unique};
use crate::drivers::users::Users;

/// Number of users that exist throughout every listing.
const STABLE_USERS: usize = 60;

/// Maximum number of pages of a listing, so that page tokens in a circle do not block the suite.
const MOST_PAGES: usize = 2_000;

/// The remaining users of a listing whose first page is known; that page's users come first.
pub async fn rest(
    client: &Users,
    mut request: ListUsersRequest,
    first: ListUsersResponse,
) -> Result<Vec<User>, String> {
    let mut users = first.users;
    let mut token = first.next_page_token;
    for _ in 0..MOST_PAGES {
        if token.is_empty() {
            return Ok(users);
        }
        request.page_token = token;
        let page = ok(client.list(request.clone()).await)?;
        users.extend(page.users);
        token = page.next_page_token;
    }
    Err(format!(
        "the listing does not end within {MOST_PAGES} pages"
    ))
}

/// Lists in every order that USR-16 names, while two other clients create, change and delete users.
pub async fn check(clients: Vec<Users>, seed: u64) -> StepResult {
    let run = unique();
    let mut stable = BTreeMap::new();
    for index in 0..STABLE_USERS {
        // Neither email nor name grows with the time of creation.
        let key = (index * 37) % STABLE_USERS;
        let user = created(
            &clients[0],
            &format!("{key:03}.stable.{run}@walk.example"),
            &format!("{:03} Stable", (key * 7) % STABLE_USERS),
        )
        .await;
        let user = user.map_err(|it| Failure::mismatch("users to walk over", it))?;
        stable.insert(user.id, user.email);
    }
    let stop = CancellationToken::new();
    let writers: Vec<_> = (0..2_usize)
        .map(|index| {
            let writer = Writer {
                client: clients[index % clients.len()].clone().quiet(),
                run: run.clone(),
                stable: stable.keys().cloned().collect(),
                random: StdRng::seed_from_u64(seed ^ index as u64),
                stop: stop.clone(),
            };
            tokio::spawn(writer.write())
        })
        .collect();
    let walked = walk_all(&clients, &stable).await;
    stop.cancel();
    for writer in writers {
        let written = writer.await.map_err(Failure::broken)?;
        written.map_err(|it| Failure::mismatch("others write meanwhile", it))?;
    }
    walked.map_err(|got| {
        Failure::mismatch("every stable user exactly once", got)
            .detail(format!("generated with --seed {seed}"))
    })
}

async fn walk_all(clients: &[Users], stable: &BTreeMap<String, String>) -> Result<(), String> {
    for order_by in [
        "created_at",
        "created_at desc",
        "email",
        "email desc",
        "name",
        "name desc",
    ] {
        for (index, client) in clients.iter().enumerate() {
            let request = ListUsersRequest {
                order_by: order_by.to_owned(),
                page_size: 7,
                ..Default::default()
            };
            // Each page from another instance.
            let first = ok(client.list(request.clone()).await)?;
            let other = &clients[(index + 1) % clients.len()];
            let users = rest(other, request, first).await?;
            judge(order_by, stable, &users)?;
        }
    }
    Ok(())
}

fn judge(order_by: &str, stable: &BTreeMap<String, String>, users: &[User]) -> Result<(), String> {
    let mut met: BTreeMap<&str, usize> = BTreeMap::new();
    for user in users {
        *met.entry(user.id.as_str()).or_default() += 1;
    }
    let wrong: Vec<String> = stable
        .iter()
        .map(|(id, email)| (email, met.get(id.as_str()).copied().unwrap_or(0)))
        .filter(|(_, times)| *times != 1)
        .map(|(email, times)| format!("{email} {times} times"))
        .collect();
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(format!(
            "in order of {order_by} among {} users: {}",
            users.len(),
            wrong.join(", ")
        ))
    }
}

/// A client that writes while the pages are read.
struct Writer {
    client: Users,
    run: String,
    stable: Vec<String>,
    random: StdRng,
    stop: CancellationToken,
}

impl Writer {
    async fn write(mut self) -> Result<(), String> {
        let mut own: Vec<String> = Vec::new();
        while !self.stop.is_cancelled() {
            let die = self.random.random_range(0..10);
            if own.len() < 5 || (die < 4 && own.len() < 60) {
                own.push(self.create().await?);
                continue;
            }
            let victim = self.random.random_range(0..own.len());
            match die {
                0..6 => {
                    let id = own.swap_remove(victim);
                    ok(self.client.delete(&id).await)?;
                }
                6..9 => self.move_(&own[victim]).await?,
                _ => self.touch().await?,
            }
        }
        Ok(())
    }

    fn place(&mut self) -> u32 {
        self.random.random_range(0..1000)
    }

    async fn create(&mut self) -> Result<String, String> {
        let request = CreateUserRequest {
            email: format!("{:03}.{}.{}@walk.example", self.place(), unique(), self.run),
            name: format!("{:03} Passing", self.place()),
            ..Default::default()
        };
        Ok(ok(self.client.create(request).await)?.id)
    }

    /// Another email and name: the user may move past every reader.
    async fn move_(&mut self, id: &str) -> Result<(), String> {
        let request = UpdateUserRequest {
            id: id.to_owned(),
            email: Some(format!(
                "{:03}.{}.{}@walk.example",
                self.place(),
                unique(),
                self.run
            )),
            name: Some(format!("{:03} Passing", self.place())),
            ..Default::default()
        };
        ok(self.client.update(request).await).map(|_| ())
    }

    /// Changes the status of a stable user; its email and name stay.
    async fn touch(&mut self) -> Result<(), String> {
        let id = self.stable[self.random.random_range(0..self.stable.len())].clone();
        let status = Some(self.random.random_range(1..4));
        let request = UpdateUserRequest {
            id,
            status,
            ..Default::default()
        };
        ok(self.client.update(request).await).map(|_| ())
    }
}
