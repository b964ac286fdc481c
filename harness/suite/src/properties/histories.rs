//! Any history of one user under concurrent clients is linearizable (USR-11).

use std::collections::BTreeMap;
use std::time::Instant;

use conformance_engine::failure::{Failure, StepResult};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use user_proto::v1::{ListUsersRequest, UpdateUserRequest, User};

use super::{created, unique};
use crate::checks::linearizable::{self, Action, Call, Response, Verdict};
use crate::drivers::Code;
use crate::drivers::Status;
use crate::drivers::users::{self, Users};

/// Calls of each client in one history.
const CALLS: usize = 12;

/// Makes several histories one after the other, and checks each.
pub async fn check(clients: Vec<Users>, histories: u64, seed: u64) -> StepResult {
    for round in 0..histories {
        one(&clients, seed.wrapping_add(round)).await?;
    }
    Ok(())
}

/// One history: one user, all clients at once.
pub async fn one(clients: &[Users], seed: u64) -> StepResult {
    let run = unique();
    let email = format!("{run}@history.example");
    let user = created(&clients[0], &email, &format!("History {run}"))
        .await
        .map_err(|it| Failure::mismatch("a user whose history is judged", it))?;
    let begun = Instant::now();
    let histories = clients.iter().enumerate().map(|(index, client)| {
        let random = StdRng::seed_from_u64(seed ^ (index as u64) << 32);
        let actor = Actor {
            index,
            client: client.clone(),
            user: user.clone(),
            begun,
        };
        tokio::spawn(actor.act(random))
    });
    let mut calls = Vec::new();
    for history in futures::future::join_all(histories).await {
        calls.extend(history.map_err(Failure::broken)??);
    }
    calls.sort_by_key(|it| it.began);
    let initial = record(&user);
    // The search may take a while; it must not block other scenarios.
    tokio::task::spawn_blocking(move || judge(&initial, &calls, seed))
        .await
        .map_err(Failure::broken)?
}

fn judge(initial: &BTreeMap<&'static str, String>, calls: &[Call], seed: u64) -> StepResult {
    match linearizable::check(&Some(initial.clone()), calls) {
        Verdict::Linearizable => Ok(()),
        Verdict::Unknown(why) => Err(Failure::broken(format!(
            "the history cannot be judged: {why}"
        ))),
        Verdict::Impossible { explained, stuck } => {
            let got = format!(
                "no order explains more than {explained} of {} calls",
                calls.len()
            );
            let failure = Failure::mismatch("one order of the calls that real time allows", got)
                .detail(format!("generated with --seed {seed}"));
            let failure = stuck
                .iter()
                .fold(failure, |it, line| it.detail(format!("stuck: {line}")));
            Err(calls.iter().fold(failure, Failure::detail))
        }
    }
}

/// One concurrent client.
struct Actor {
    index: usize,
    client: Users,
    user: User,
    begun: Instant,
}

impl Actor {
    async fn act(self, mut random: StdRng) -> StepResult<Vec<Call>> {
        let mut calls = Vec::new();
        for number in 0..CALLS {
            // A delete ends the user for all clients: late, and not in every history.
            let die = random.random_range(0..100);
            let action = match die {
                0..30 => Action::Read,
                30..96 => Action::Update(self.change(number, &mut random)),
                _ if number * 2 > CALLS => Action::Delete,
                _ => Action::Read,
            };
            let listed = die % 2 == 0;
            let began = self.begun.elapsed();
            let response = self.ask(&action, listed).await?;
            let ended = self.begun.elapsed();
            calls.push(Call {
                client: self.index,
                action,
                response,
                began,
                ended,
            });
        }
        Ok(calls)
    }

    /// Each value is written once, so that a read identifies the write that it saw.
    fn change(&self, number: usize, random: &mut StdRng) -> BTreeMap<&'static str, String> {
        let value = format!(
            "{}-{number}-{}",
            self.index,
            &self.user.id.chars().take(6).collect::<String>()
        );
        let field = ["name", "metadata", "status"][random.random_range(0..3)];
        let value = if field == "status" {
            ["1", "2", "3"][random.random_range(0..3)].to_owned()
        } else {
            value
        };
        BTreeMap::from([(field, value)])
    }

    async fn ask(&self, action: &Action, listed: bool) -> StepResult<Response> {
        match action {
            Action::Read if listed => {
                let filter = format!("email={}", self.user.email);
                let request = ListUsersRequest {
                    filter,
                    ..Default::default()
                };
                let call = self.client.list(request).await;
                Ok(match call.result {
                    Ok(page) => page
                        .users
                        .first()
                        .map_or(Response::NotFound, |it| Response::Value(record(it))),
                    Err(status) => return Err(unexpected("ListUsers", &status)),
                })
            }
            Action::Read => answer(self.client.get(&self.user.id).await),
            Action::Update(change) => {
                let request = UpdateUserRequest {
                    id: self.user.id.clone(),
                    name: change.get("name").cloned(),
                    status: change.get("status").and_then(|it| it.parse().ok()),
                    metadata: change
                        .get("metadata")
                        .map(|it| ("k".to_owned(), it.clone()))
                        .into_iter()
                        .collect(),
                    ..Default::default()
                };
                answer(self.client.update(request).await)
            }
            Action::Delete => {
                let call = self.client.delete(&self.user.id).await;
                match (call.code(), call.result) {
                    (_, Ok(())) => Ok(Response::Done),
                    (Code::NotFound, _) => Ok(Response::NotFound),
                    (_, Err(status)) => Err(unexpected("DeleteUser", &status)),
                }
            }
        }
    }
}

/// The response of a call for the history; a failure that concurrency does not explain is a mismatch.
fn answer(call: users::Call<User>) -> StepResult<Response> {
    let (method, code) = (call.method, call.code());
    match (code, call.result) {
        (_, Ok(user)) => Ok(Response::Value(record(&user))),
        (Code::NotFound, _) => Ok(Response::NotFound),
        (_, Err(status)) => Err(unexpected(method, &status)),
    }
}

/// Concurrency is no reason to fail: the database is available, and every request is valid.
fn unexpected(method: &str, status: &Status) -> Failure {
    Failure::mismatch(
        format!("{method} succeeds or gives NOT_FOUND while other clients write"),
        users::shown(status),
    )
}

fn record(user: &User) -> BTreeMap<&'static str, String> {
    let moment = user.updated_at.unwrap_or_default();
    BTreeMap::from([
        (
            linearizable::UPDATED_AT,
            format!("{:012}.{:09}", moment.seconds, moment.nanos),
        ),
        ("name", user.name.clone()),
        ("status", user.status.to_string()),
        (
            "metadata",
            user.metadata.get("k").cloned().unwrap_or_default(),
        ),
    ])
}
