//! Users, and the outcomes of calls.
//!
//! - [`fixtures`]: users that a scenario starts from
//! - [`calls`]: calls about one user
//! - [`concurrency`]: many concurrent calls, and calls of every kind
//! - [`listing`]: lists, filters, tokens
//! - [`pagination`]: lists over all pages
//! - [`outcomes`]: outcomes of calls
//! - [`storage`]: the database and Redis behind the service
//! - [`states`]: users as later reads show them
//! - [`property`]: statements about all inputs

pub mod calls;
pub mod concurrency;
pub mod fixtures;
pub mod listing;
pub mod outcomes;
pub mod pagination;
pub mod property;
pub mod states;
pub mod storage;

use chrono::Utc;
use conformance_engine::failure::{Failure, StepResult};
use cucumber::gherkin::Step;
use user_proto::v1::{CreateUserRequest, UpdateUserRequest, User, UserStatus};

use crate::drivers::Status;
use crate::drivers::users::{Call, Users};
use crate::field_value::FieldValue;
use crate::placeholders::{self, PlaceholderValues};
use crate::world::World;
use crate::world::users::{ExpectedUser, TrackedUser, UserCall, UserGroup, UserResponse};

impl PlaceholderValues for World {
    fn id(&self) -> &str {
        &self.scenario.id
    }

    fn of_user(&self, alias: &str, property: &str) -> Result<String, String> {
        let person = self.users.tracked.get(alias);
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
        placeholders::expand(template, self).map_err(Failure::broken)
    }

    pub fn current_user(&self, alias: &str) -> StepResult<User> {
        Ok(self.tracked_user(alias)?.now().clone())
    }

    fn tracked_user(&self, alias: &str) -> StepResult<&TrackedUser> {
        let missing = || Failure::broken(format!("the scenario has no user {alias:?}"));
        self.users.tracked.get(alias).ok_or_else(missing)
    }

    fn group(&self, alias: &str) -> StepResult<&UserGroup> {
        let missing = || Failure::broken(format!("the scenario has no users named {alias:?}"));
        self.users.groups.get(alias).ok_or_else(missing)
    }

    /// The name that all users of an alias share, or that of a single user.
    fn name_of(&self, alias: &str) -> String {
        self.users
            .groups
            .get(alias)
            .map(|it| it.name.clone())
            .or_else(|| {
                self.users
                    .tracked
                    .get(alias)
                    .map(|it| it.now().name.clone())
            })
            .unwrap_or_else(|| format!("{alias}-{}", self.scenario.id))
    }

    /// A filter that matches only the users of an alias.
    pub fn named(&self, alias: &str) -> String {
        format!("name={}", crate::model::value(&self.name_of(alias), true))
    }

    /// Every acknowledged state of every user, the newest of each last.
    pub fn acknowledged(&self) -> Vec<User> {
        let tracked = self.users.tracked.values().flat_map(|it| &it.states);
        let groups = self.users.groups.values().flat_map(|it| &it.users);
        tracked.chain(groups).cloned().collect()
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

    /// A create request with unique values.
    pub fn newcomer(&mut self) -> CreateUserRequest {
        self.users.made += 1;
        let (id, number) = (&self.scenario.id, self.users.made);
        CreateUserRequest {
            email: format!("new{number}-{id}@example.com"),
            name: format!("New-{number}-{id}"),
            ..CreateUserRequest::default()
        }
    }

    /// Records a call of the current action.
    fn done(&mut self, done: UserCall) {
        self.users.answers.push(format!("{:?}", done.call.result));
        self.users.calls.push(done);
    }

    /// Clears the calls of the previous action.
    fn begin(&mut self) {
        self.users.calls.clear();
        self.users.reads.clear();
    }

    /// Creates a user and reads it back; records both.
    async fn create_and_read_back(
        &mut self,
        client: &Users,
        request: CreateUserRequest,
    ) -> StepResult {
        let begun = Utc::now();
        let call = client.create(request.clone()).await;
        let made = (begun, Utc::now());
        let again = read_back(client, &call).await;
        let given = ExpectedUser {
            email: request.email.clone(),
            name: request.name.clone(),
            status: UserStatus::Active as i32,
            metadata: request.metadata.clone(),
            before: None,
            again,
            made,
        };
        let mut done = UserCall::new(call.map(UserResponse::User));
        done.asked = Some(request);
        done.expected = Some(given);
        self.done(done);
        Ok(())
    }

    /// Updates a user and reads it back; records both, and the new state if it was acknowledged.
    async fn update_and_read_back(
        &mut self,
        client: &Users,
        alias: &str,
        mut request: UpdateUserRequest,
    ) -> StepResult {
        let before = self.tracked_user(alias)?.now().clone();
        request.id.clone_from(&before.id);
        let begun = Utc::now();
        let call = client.update(request.clone()).await;
        let made = (begun, Utc::now());
        let again = read_back(client, &call).await;
        let metadata = if request.metadata.is_empty() {
            before.metadata.clone()
        } else {
            request.metadata
        };
        let given = ExpectedUser {
            email: request.email.unwrap_or_else(|| before.email.clone()),
            name: request.name.unwrap_or_else(|| before.name.clone()),
            status: request.status.unwrap_or(before.status),
            metadata,
            before: Some(before),
            again,
            made,
        };
        if let (Ok(user), Some(person)) = (&call.result, self.users.tracked.get_mut(alias)) {
            person.states.push(user.clone());
        }
        let mut done = UserCall::new(call.map(UserResponse::User));
        done.expected = Some(given);
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

/// Sets the fields in a request for a create; returns the status, which only an update can set.
fn fill_create_request(
    request: &mut CreateUserRequest,
    fields: Vec<(String, String)>,
) -> StepResult<Option<i32>> {
    let mut status = None;
    for (field, value) in fields {
        match FieldValue::by_name(&field, value).map_err(Failure::broken)? {
            FieldValue::Status(number) => status = Some(number),
            value => value.set_in_create(request),
        }
    }
    Ok(status)
}

/// A request for an update that sets these fields.
fn update_request(fields: Vec<(String, String)>) -> StepResult<UpdateUserRequest> {
    let mut request = UpdateUserRequest::default();
    for (field, value) in fields {
        FieldValue::by_name(&field, value)
            .map_err(Failure::broken)?
            .set_in_update(&mut request);
    }
    Ok(request)
}
