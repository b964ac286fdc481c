//! Any sequence of operations, by several clients on several instances, agrees with the model (USR-11).

use std::collections::BTreeMap;

use conformance_engine::failure::StepResult;
use futures::FutureExt as _;
use proptest::prelude::*;
use proptest_state_machine::ReferenceStateMachine;
use user_proto::v1::{CreateUserRequest, ListUsersRequest, UpdateUserRequest, User, UserStatus};

use super::{Tried, holds, unique};
use crate::drivers::Code;
use crate::drivers::users::{Call, Users, shown};
use crate::model::status_word;

/// Number of emails that the operations compete for.
const EMAILS: usize = 8;

/// Number of names; each list filters by one of them.
const NAMES: usize = 3;

/// A user in the model.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    email: usize,
    upper: bool,
    name: usize,
    status: UserStatus,
    metadata: BTreeMap<String, String>,
}

/// The model: each user that was ever created, `None` once it is deleted.
#[derive(Clone, Debug, Default)]
pub struct Model {
    users: Vec<Option<Known>>,
}

/// One operation. Users are named by the order of their creation.
#[derive(Clone, Debug)]
pub enum Operation {
    /// CreateUser.
    Create {
        email: usize,
        upper: bool,
        name: usize,
    },
    /// UpdateUser.
    Update { user: usize, change: Change },
    /// DeleteUser.
    Delete { user: usize },
    /// GetUser.
    Get { user: usize },
    /// ListUsers of one name, and one status if any.
    List {
        name: usize,
        status: Option<UserStatus>,
        page_size: i32,
    },
}

/// What an update changes.
#[derive(Clone, Debug)]
pub struct Change {
    email: Option<(usize, bool)>,
    name: Option<usize>,
    status: Option<UserStatus>,
    metadata: BTreeMap<String, String>,
}

impl Model {
    fn owner(&self, email: usize) -> Option<usize> {
        self.users
            .iter()
            .position(|it| it.as_ref().is_some_and(|it| it.email == email))
    }

    /// The code that the operation must end with.
    fn expected(&self, operation: &Operation) -> Code {
        let known = |user: &usize| self.users.get(*user).and_then(Option::as_ref);
        match operation {
            Operation::Create { email, .. } if self.owner(*email).is_some() => Code::AlreadyExists,
            Operation::Update { user, .. }
            | Operation::Delete { user }
            | Operation::Get { user }
                if known(user).is_none() =>
            {
                Code::NotFound
            }
            Operation::Update { user, change } => match change.email {
                Some((email, _)) if self.owner(email).is_some_and(|it| it != *user) => {
                    Code::AlreadyExists
                }
                _ => Code::Ok,
            },
            _ => Code::Ok,
        }
    }
}

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Operation;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self::default()).boxed()
    }

    fn transitions(state: &Self) -> BoxedStrategy<Operation> {
        let create = (0..EMAILS, any::<bool>(), 0..NAMES)
            .prop_map(|(email, upper, name)| Operation::Create { email, upper, name });
        let list = (0..NAMES, proptest::option::of(status()), 1_i32..5).prop_map(
            |(name, status, page_size)| Operation::List {
                name,
                status,
                page_size,
            },
        );
        if state.users.is_empty() {
            return create.boxed();
        }
        let user = 0..state.users.len();
        prop_oneof![
            3 => create,
            4 => (user.clone(), change()).prop_map(|(user, change)| Operation::Update { user, change }),
            1 => user.clone().prop_map(|user| Operation::Delete { user }),
            2 => user.prop_map(|user| Operation::Get { user }),
            2 => list,
        ]
        .boxed()
    }

    fn apply(mut state: Self, operation: &Operation) -> Self {
        if state.expected(operation) != Code::Ok {
            return state;
        }
        match operation {
            Operation::Create { email, upper, name } => state.users.push(Some(Known {
                email: *email,
                upper: *upper,
                name: *name,
                status: UserStatus::Active,
                metadata: BTreeMap::new(),
            })),
            Operation::Update { user, change } => {
                if let Some(Some(known)) = state.users.get_mut(*user) {
                    if let Some((email, upper)) = change.email {
                        (known.email, known.upper) = (email, upper);
                    }
                    known.name = change.name.unwrap_or(known.name);
                    known.status = change.status.unwrap_or(known.status);
                    if !change.metadata.is_empty() {
                        known.metadata.clone_from(&change.metadata);
                    }
                }
            }
            Operation::Delete { user } => state.users[*user] = None,
            Operation::Get { .. } | Operation::List { .. } => {}
        }
        state
    }

    /// A shrunk sequence may use users whose creation it has lost.
    fn preconditions(state: &Self, operation: &Operation) -> bool {
        match operation {
            Operation::Update { user, .. }
            | Operation::Delete { user }
            | Operation::Get { user } => *user < state.users.len(),
            Operation::Create { .. } | Operation::List { .. } => true,
        }
    }
}

fn status() -> impl Strategy<Value = UserStatus> {
    proptest::sample::select(
        &[
            UserStatus::Active,
            UserStatus::Inactive,
            UserStatus::Suspended,
        ][..],
    )
}

fn change() -> impl Strategy<Value = Change> {
    (
        proptest::option::weighted(0.3, (0..EMAILS, any::<bool>())),
        proptest::option::weighted(0.4, 0..NAMES),
        proptest::option::weighted(0.4, status()),
        proptest::collection::btree_map("[a-c]", "[a-z]{0,3}", 0..3),
    )
        .prop_map(|(email, name, status, metadata)| Change {
            email,
            name,
            status,
            metadata,
        })
}

/// Generates sequences of `length` operations; the operations go to the clients in turn.
pub async fn check(clients: Vec<Users>, length: usize, seed: u64) -> StepResult {
    let inputs = move || {
        let sequences = Model::sequential_strategy(length..=length);
        sequences.prop_map(|(model, operations, _)| (model, operations))
    };
    holds(
        "operations agree with the model",
        seed,
        2,
        inputs,
        move |(model, operations)| {
            let clients = clients.clone();
            async move { replay(&clients, model, &operations).await }.boxed()
        },
    )
    .await
}

/// The real counterparts of one replay.
struct Replay<'a> {
    clients: &'a [Users],
    run: String,
    /// Ids by the order of creation.
    ids: Vec<String>,
}

async fn replay(clients: &[Users], mut model: Model, operations: &[Operation]) -> Tried {
    let mut replay = Replay {
        clients,
        run: unique(),
        ids: Vec::new(),
    };
    for (index, operation) in operations.iter().enumerate() {
        let client = &replay.clients[index % replay.clients.len()];
        let expected = model.expected(operation);
        let after = Model::apply(model.clone(), operation);
        let located = |text: String| format!("operation {} {operation:?}: {text}", index + 1);
        replay
            .step(client, operation, expected, &after)
            .await
            .map_err(located)?;
        model = after;
    }
    Ok(())
}

impl Replay<'_> {
    fn email(&self, email: usize, upper: bool) -> String {
        let text = format!("m{email}.{}@model.example", self.run);
        if upper {
            text.to_ascii_uppercase()
        } else {
            text
        }
    }

    fn name(&self, name: usize) -> String {
        format!("Model {name} {}", self.run)
    }

    async fn step(
        &mut self,
        client: &Users,
        operation: &Operation,
        expected: Code,
        after: &Model,
    ) -> Tried {
        match operation {
            Operation::Create { email, upper, name } => {
                let request = CreateUserRequest {
                    email: self.email(*email, *upper),
                    name: self.name(*name),
                    ..Default::default()
                };
                let call = client.create(request).await;
                if let Ok(user) = &call.result {
                    self.ids.push(user.id.clone());
                }
                self.compare(call, expected, after, self.ids.len().wrapping_sub(1))
            }
            Operation::Update { user, change } => {
                let request = UpdateUserRequest {
                    id: self.ids[*user].clone(),
                    email: change.email.map(|(email, upper)| self.email(email, upper)),
                    name: change.name.map(|it| self.name(it)),
                    status: change.status.map(|it| it as i32),
                    metadata: change.metadata.clone(),
                };
                self.compare(client.update(request).await, expected, after, *user)
            }
            Operation::Delete { user } => {
                let call = client.delete(&self.ids[*user]).await;
                code(&call, expected)
            }
            Operation::Get { user } => {
                self.compare(client.get(&self.ids[*user]).await, expected, after, *user)
            }
            Operation::List {
                name,
                status,
                page_size,
            } => self.list(client, after, *name, *status, *page_size).await,
        }
    }

    fn compare(&self, call: Call<User>, expected: Code, after: &Model, user: usize) -> Tried {
        code(&call, expected)?;
        let Ok(seen) = call.result else { return Ok(()) };
        let known = after.users.get(user).and_then(Option::as_ref);
        let known = known.ok_or("it succeeds, and the model has no such user")?;
        let wanted = (
            self.ids[user].clone(),
            self.email(known.email, known.upper),
            self.name(known.name),
            known.status as i32,
            known.metadata.clone(),
        );
        let found = (seen.id, seen.email, seen.name, seen.status, seen.metadata);
        if wanted == found {
            Ok(())
        } else {
            Err(format!("the user is {found:?} instead of {wanted:?}"))
        }
    }

    async fn list(
        &self,
        client: &Users,
        model: &Model,
        name: usize,
        status: Option<UserStatus>,
        page_size: i32,
    ) -> Tried {
        let mut filter = format!("name=\"{}\"", self.name(name));
        if let Some(status) = status {
            filter = format!("{filter} AND status={}", status_word(status));
        }
        let request = ListUsersRequest {
            filter,
            page_size,
            ..Default::default()
        };
        let page = super::ok(client.list(request.clone()).await)?;
        let count = page.total_count;
        let all = super::pagination::rest(client, request, page).await?;
        let mut found: Vec<&str> = all.iter().map(|it| it.id.as_str()).collect();
        let matching =
            |it: &Known| it.name == name && status.is_none_or(|status| it.status == status);
        let mut wanted: Vec<&str> = model
            .users
            .iter()
            .zip(&self.ids)
            .filter(|(it, _)| it.as_ref().is_some_and(matching))
            .map(|(_, id)| id.as_str())
            .collect();
        found.sort_unstable();
        wanted.sort_unstable();
        if found != wanted {
            return Err(format!("lists {found:?} instead of {wanted:?}"));
        }
        if usize::try_from(count) != Ok(wanted.len()) {
            return Err(format!(
                "total_count is {count} instead of {}",
                wanted.len()
            ));
        }
        Ok(())
    }
}

fn code<T>(call: &Call<T>, expected: Code) -> Tried {
    if call.code() == expected {
        return Ok(());
    }
    let seen = call
        .result
        .as_ref()
        .err()
        .map_or_else(|| "OK".to_owned(), shown);
    Err(format!(
        "should end with {}, and ends with {seen}",
        crate::params::code_name(expected)
    ))
}
