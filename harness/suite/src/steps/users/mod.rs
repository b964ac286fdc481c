//! Users and what becomes of calls.
//!
//! - [`given`]: users that a scenario starts from
//! - [`calls`]: calls about one user
//! - [`many`]: many calls at once, and calls of every kind
//! - [`listing`]: lists, filters, tokens
//! - [`walking`]: walks over all pages
//! - [`outcomes`]: what became of calls
//! - [`states`]: what is known of users afterwards
//! - [`storage`]: the database and Redis behind the service
//! - [`property`]: statements about all inputs

pub mod calls;
pub mod given;
pub mod listing;
pub mod many;
pub mod outcomes;
pub mod property;
pub mod states;
pub mod storage;
pub mod walking;

use std::collections::{BTreeMap, BTreeSet};

use conformance_engine::failure::{Failure, StepResult};
use cucumber::gherkin::Step;
use tonic::Status;
use user_proto::v1::{
    CreateUserRequest, ListUsersRequest, ListUsersResponse, UpdateUserRequest, User, UserStatus,
};

use crate::drivers::users::{Call, Users};
use crate::gifts::Gift;
use crate::text::{self, Meaning};
use crate::world::World;

/// What the users' steps of one scenario remember.
#[derive(Default)]
pub struct Notes {
    /// Users by their alias.
    people: BTreeMap<String, Person>,
    /// Users that share a name, by their alias.
    groups: BTreeMap<String, Group>,
    /// The calls of the newest action, in order.
    calls: Vec<Done>,
    /// Every answer of the scenario in words.
    answers: Vec<String>,
    /// The email that many were given.
    contested: String,
    /// Reads that had to show a change, and what they showed.
    reads: Vec<Read>,
    /// The walk over pages.
    walk: Walk,
    /// The most connections that the database counted.
    most_connections: i64,
    /// Everything that was read from database and Redis.
    dump: Vec<String>,
    /// How many users without an alias were made.
    made: usize,
}

/// A user that the scenario follows.
#[derive(Debug)]
struct Person {
    /// Every acknowledged state, the newest last.
    states: Vec<User>,
    password: String,
}

impl Person {
    fn now(&self) -> &User {
        self.states
            .last()
            .unwrap_or_else(|| unreachable!("a person begins with a state"))
    }

    fn first(&self) -> &User {
        &self.states[0]
    }
}

/// Users that share a name.
#[derive(Debug, Default)]
struct Group {
    name: String,
    users: Vec<User>,
}

/// A walk over the pages of one list.
#[derive(Debug, Default)]
struct Walk {
    request: ListUsersRequest,
    pages: Vec<ListUsersResponse>,
    lasting: BTreeSet<String>,
}

/// What a call answered.
#[derive(Clone, Debug)]
enum Answer {
    User(User),
    Page(ListUsersResponse),
    Nothing,
}

/// A call that is over.
#[derive(Debug)]
struct Done {
    call: Call<Answer>,
    /// What it asked for, when that was a new user.
    asked: Option<CreateUserRequest>,
    /// What the answered user must be like.
    given: Option<Given>,
    /// Whom a filter must find.
    finds: Option<String>,
}

/// What a user must be like after a call.
#[derive(Debug)]
struct Given {
    email: String,
    name: String,
    status: i32,
    metadata: BTreeMap<String, String>,
    /// The user before an update.
    before: Option<User>,
    /// The user as it was read right after a success.
    again: Option<Result<User, Status>>,
}

/// A read that had to show a change.
#[derive(Debug)]
struct Read {
    what: String,
    expected: Option<User>,
    seen: Result<Option<User>, Status>,
}

impl Done {
    fn new(call: Call<Answer>) -> Self {
        Self {
            call,
            asked: None,
            given: None,
            finds: None,
        }
    }

    fn user(&self) -> Option<&User> {
        match &self.call.result {
            Ok(Answer::User(user)) => Some(user),
            _ => None,
        }
    }

    fn page(&self) -> Option<&ListUsersResponse> {
        match &self.call.result {
            Ok(Answer::Page(page)) => Some(page),
            _ => None,
        }
    }
}

impl Meaning for World {
    fn id(&self) -> &str {
        &self.scene.id
    }

    fn of_user(&self, alias: &str, property: &str) -> Result<String, String> {
        let person = self.users.people.get(alias);
        let group = self.users.groups.get(alias);
        match (property, person, group) {
            ("email", Some(it), _) => Ok(it.now().email.clone()),
            ("first email", Some(it), _) => Ok(it.first().email.clone()),
            ("name", Some(it), _) => Ok(it.now().name.clone()),
            ("id", Some(it), _) => Ok(it.now().id.clone()),
            ("name", None, Some(it)) => Ok(it.name.clone()),
            _ => Err(format!("the scenario has no {alias} with {property}")),
        }
    }
}

impl World {
    /// A text with its placeholders filled in.
    pub fn text(&self, template: &str) -> StepResult<String> {
        text::expand(template, self).map_err(Failure::broken)
    }

    pub fn person_now(&self, alias: &str) -> StepResult<User> {
        Ok(self.person(alias)?.now().clone())
    }

    fn person(&self, alias: &str) -> StepResult<&Person> {
        let missing = || Failure::broken(format!("the scenario has no user {alias:?}"));
        self.users.people.get(alias).ok_or_else(missing)
    }

    fn group(&self, alias: &str) -> StepResult<&Group> {
        let missing = || Failure::broken(format!("the scenario has no users named {alias:?}"));
        self.users.groups.get(alias).ok_or_else(missing)
    }

    /// The name that all users of an alias share, or that a single one bears.
    fn name_of(&self, alias: &str) -> String {
        self.users
            .groups
            .get(alias)
            .map(|it| it.name.clone())
            .or_else(|| self.users.people.get(alias).map(|it| it.now().name.clone()))
            .unwrap_or_else(|| format!("{alias}-{}", self.scene.id))
    }

    /// A filter that finds the users of an alias and nobody else's.
    fn named(&self, alias: &str) -> String {
        format!(
            "name={}",
            crate::properties::model::value(&self.name_of(alias), true)
        )
    }

    /// Every state of a user that the scenario was told, the newest of each last.
    pub fn acknowledged(&self) -> Vec<User> {
        let people = self.users.people.values().flat_map(|it| &it.states);
        let groups = self.users.groups.values().flat_map(|it| &it.users);
        people.chain(groups).cloned().collect()
    }

    /// The users that share the name of an alias.
    pub fn users_named(&self, alias: &str) -> StepResult<Vec<User>> {
        Ok(self.group(alias)?.users.clone())
    }

    /// Clients of every instance.
    async fn all_clients(&mut self) -> StepResult<Vec<Users>> {
        let count = self.deployment().await?.slots().len();
        let mut clients = Vec::new();
        for index in 0..count {
            clients.push(self.client(index).await?);
        }
        Ok(clients)
    }

    /// A user with values that nobody else has.
    pub fn newcomer(&mut self) -> CreateUserRequest {
        self.users.made += 1;
        let (id, number) = (&self.scene.id, self.users.made);
        CreateUserRequest {
            email: format!("new{number}-{id}@example.com"),
            name: format!("New-{number}-{id}"),
            ..CreateUserRequest::default()
        }
    }

    /// Remembers a call of the action under way.
    fn done(&mut self, done: Done) {
        self.users.answers.push(format!("{:?}", done.call.result));
        self.users.calls.push(done);
    }

    /// Forgets the calls of the action before.
    fn begin(&mut self) {
        self.users.calls.clear();
        self.users.reads.clear();
    }

    /// Creates a user and reads it back; remembers both.
    async fn give_new(&mut self, client: &Users, request: CreateUserRequest) -> StepResult {
        let call = client.create(request.clone()).await;
        let again = read_back(client, &call).await;
        let given = Given {
            email: request.email.clone(),
            name: request.name.clone(),
            status: UserStatus::Active as i32,
            metadata: request.metadata.clone(),
            before: None,
            again,
        };
        let mut done = Done::new(call.map(Answer::User));
        done.asked = Some(request);
        done.given = Some(given);
        self.done(done);
        Ok(())
    }

    /// Updates a person and reads it back; remembers both, and the new state if it was acknowledged.
    async fn give(
        &mut self,
        client: &Users,
        alias: &str,
        mut request: UpdateUserRequest,
    ) -> StepResult {
        let before = self.person(alias)?.now().clone();
        request.id.clone_from(&before.id);
        let call = client.update(request.clone()).await;
        let again = read_back(client, &call).await;
        let metadata = if request.metadata.is_empty() {
            before.metadata.clone()
        } else {
            request.metadata
        };
        let given = Given {
            email: request.email.unwrap_or_else(|| before.email.clone()),
            name: request.name.unwrap_or_else(|| before.name.clone()),
            status: request.status.unwrap_or(before.status),
            metadata,
            before: Some(before),
            again,
        };
        if let (Ok(user), Some(person)) = (&call.result, self.users.people.get_mut(alias)) {
            person.states.push(user.clone());
        }
        let mut done = Done::new(call.map(Answer::User));
        done.given = Some(given);
        self.done(done);
        Ok(())
    }

    /// The rows of a table `| field | value |` with their texts filled in.
    fn fields(&self, step: &Step) -> StepResult<Vec<(String, String)>> {
        let rows = table(step, &["field", "value"])?;
        rows.iter()
            .map(|row| {
                let field = self.text(&row[0])?;
                // A key may hold placeholders, the names of fields do not.
                Ok((field, self.text(&row[1])?))
            })
            .collect()
    }

    /// The rows of a table with one column of texts.
    fn texts(&self, step: &Step) -> StepResult<Vec<String>> {
        let rows = table(step, &["text"])?;
        rows.iter().map(|row| self.text(&row[0])).collect()
    }
}

async fn read_back(client: &Users, call: &Call<User>) -> Option<Result<User, Status>> {
    match &call.result {
        Ok(user) => Some(client.get(&user.id).await.result),
        Err(_) => None,
    }
}

/// The rows of a table with these columns at its beginning, without the header.
pub fn table<'a>(step: &'a Step, columns: &[&str]) -> StepResult<&'a [Vec<String>]> {
    let rows = step
        .table
        .as_ref()
        .map(|it| it.rows.as_slice())
        .unwrap_or_default();
    match rows {
        [header, rows @ ..]
            if header.iter().zip(columns).all(|(a, b)| a == b) && header.len() >= columns.len() =>
        {
            Ok(rows)
        }
        _ => Err(Failure::broken(format!(
            "the step needs a table with the columns {}",
            columns.join(", ")
        ))),
    }
}

/// Gifts for a create, and the status that only an update can give.
fn creation(
    request: &mut CreateUserRequest,
    fields: Vec<(String, String)>,
) -> StepResult<Option<i32>> {
    let mut status = None;
    for (field, value) in fields {
        match Gift::named(&field, value).map_err(Failure::broken)? {
            Gift::Status(number) => status = Some(number),
            gift => gift.give(request),
        }
    }
    Ok(status)
}

/// Gifts for an update.
fn change(fields: Vec<(String, String)>) -> StepResult<UpdateUserRequest> {
    let mut request = UpdateUserRequest::default();
    for (field, value) in fields {
        Gift::named(&field, value)
            .map_err(Failure::broken)?
            .change(&mut request);
    }
    Ok(request)
}
