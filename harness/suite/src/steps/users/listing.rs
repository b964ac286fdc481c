//! Lists, filters, tokens.

use std::collections::{BTreeSet, VecDeque};

use conformance_engine::failure::{Failure, StepResult, ensure};
use cucumber::gherkin::Step;
use cucumber::{then, when};
use user_proto::v1::{
    CreateUserRequest, ListUsersRequest, ListUsersResponse, UpdateUserRequest, User, UserStatus,
};

use super::calls::filtered;
use super::table;
use crate::checks::all;
use crate::drivers::users::{Users, shown};
use crate::placeholders::mixed;
use crate::world::World;
use crate::world::users::{TrackedUser, UserCall, UserResponse};

/// A list request by the fields of a table, filtered by an alias if there is one.
pub fn request(
    world: &World,
    alias: Option<&str>,
    fields: &[(String, String)],
) -> StepResult<ListUsersRequest> {
    let mut request = ListUsersRequest {
        filter: alias.map(|it| world.named(it)).unwrap_or_default(),
        ..ListUsersRequest::default()
    };
    for (field, value) in fields {
        match field.as_str() {
            // Several sizes are for a list over all pages, which uses them one after the other.
            "page_size" => request.page_size = sizes(value)?[0],
            "order_by" => request.order_by.clone_from(value),
            "filter" => request.filter.clone_from(value),
            "status" => request.filter = format!("{} AND status={value}", request.filter),
            other => return Err(Failure::broken(format!("a list has no field {other:?}"))),
        }
    }
    Ok(request)
}

/// Numbers separated by commas.
pub fn sizes(text: &str) -> StepResult<Vec<i32>> {
    text.split(", ")
        .map(|number| {
            number
                .parse()
                .map_err(|_| Failure::broken(format!("{number:?} is not a number")))
        })
        .collect()
}

/// The cell of a table for a filter that finds no user.
const NO_USER: &str = "(none)";

async fn list(world: &mut World, request: ListUsersRequest) -> StepResult {
    let call = world.client(0).await?.list(request).await;
    world.done(UserCall::new(call.map(UserResponse::Page)));
    Ok(())
}

#[when(regex = r#"^the users named "([A-Z][a-z]+)" are listed$"#)]
async fn are_listed(world: &mut World, alias: String) -> StepResult {
    world.begin();
    let request = request(world, Some(&alias), &[])?;
    list(world, request).await
}

#[when(regex = r#"^the users named "([A-Z][a-z]+)" are listed with$"#)]
async fn are_listed_with(world: &mut World, alias: String, step: &Step) -> StepResult {
    world.begin();
    let fields = world.fields(step)?;
    let request = request(world, Some(&alias), &fields)?;
    list(world, request).await
}

#[when(regex = r#"^the users named "([A-Z][a-z]+)" are listed with the page sizes ([-0-9, ]+)$"#)]
async fn are_listed_by_sizes(
    world: &mut World,
    alias: String,
    list_of_sizes: String,
) -> StepResult {
    world.begin();
    for page_size in sizes(&list_of_sizes)? {
        let mut request = request(world, Some(&alias), &[])?;
        request.page_size = page_size;
        list(world, request).await?;
    }
    Ok(())
}

#[when(regex = r#"^the users named "([A-Z][a-z]+)" are listed with each of these page_tokens$"#)]
async fn are_listed_with_tokens(world: &mut World, alias: String, step: &Step) -> StepResult {
    world.begin();
    for page_token in world.texts(step)? {
        let mut request = request(world, Some(&alias), &[])?;
        request.page_token = page_token;
        list(world, request).await?;
    }
    Ok(())
}

#[when("users are listed with each of these order_bys")]
async fn are_listed_with_orders(world: &mut World, step: &Step) -> StepResult {
    world.begin();
    for order_by in world.texts(step)? {
        list(
            world,
            ListUsersRequest {
                order_by,
                ..Default::default()
            },
        )
        .await?;
    }
    Ok(())
}

#[when("users are listed with each of these filters")]
async fn are_listed_with_filters(world: &mut World, step: &Step) -> StepResult {
    world.begin();
    for row in table(step, &["text"])? {
        let request = ListUsersRequest {
            page_size: 100,
            ..filtered(world.text(&row[0])?)
        };
        list(world, request).await?;
        if let Some(done) = world.users.calls.last_mut() {
            done.finds = row.get(1).cloned();
        }
    }
    Ok(())
}

#[then("every filter finds exactly the users of its row")]
async fn filters_find(world: &mut World) -> StepResult {
    let calls = &world.users.calls;
    let mut wrong = Vec::new();
    for (number, done) in calls.iter().enumerate() {
        let listed = done.finds.as_deref().unwrap_or(NO_USER);
        let wanted = ids(world, listed)?;
        let found = done.page().ok_or_else(|| format!("{:?}", done.call.result));
        let checked = found.and_then(|page| finds_only(page, &wanted));
        wrong.extend(
            checked
                .err()
                .map(|got| format!("filter {} finds {got} instead of {listed}", number + 1)),
        );
    }
    all("every filter finds its users", wrong, calls.len())
}

/// Checks that a page holds and counts exactly these users.
fn finds_only(page: &ListUsersResponse, wanted: &BTreeSet<&str>) -> Result<(), String> {
    let found: BTreeSet<&str> = page.users.iter().map(|user| user.id.as_str()).collect();
    let counted = usize::try_from(page.total_count).ok();
    if found == *wanted && counted == Some(wanted.len()) && page.users.len() == wanted.len() {
        return Ok(());
    }
    let (held, count) = (page.users.len(), page.total_count);
    Err(format!("{held} users (total_count {count})"))
}

/// The ids of `Ada, Grace`, groups included; `(none)` has none.
fn ids<'a>(world: &'a World, finds: &str) -> StepResult<BTreeSet<&'a str>> {
    let mut ids = BTreeSet::new();
    for alias in finds.split(", ").filter(|alias| *alias != NO_USER) {
        match (
            world.users.tracked.get(alias),
            world.users.groups.get(alias),
        ) {
            (Some(person), _) => {
                ids.insert(person.now().id.as_str());
            }
            (None, Some(group)) => ids.extend(group.users.iter().map(|it| it.id.as_str())),
            (None, None) => return Err(Failure::broken(format!("the scenario has no {alias:?}"))),
        }
    }
    Ok(ids)
}

#[then(regex = r"^the page holds (\d+) users?$")]
async fn page_holds(world: &mut World, count: usize) -> StepResult {
    let held = world
        .users
        .calls
        .last()
        .and_then(UserCall::page)
        .map(|it| it.users.len());
    ensure(
        held == Some(count),
        format!("a page of {count} users"),
        format!("{held:?}"),
    )
}

#[then(regex = r"^the pages hold ([0-9, ]+) users$")]
async fn pages_hold(world: &mut World, counts: String) -> StepResult {
    let held: Vec<String> = world
        .users
        .calls
        .iter()
        .map(|done| {
            done.page().map_or_else(
                || format!("{:?}", done.call.result),
                |done| done.users.len().to_string(),
            )
        })
        .collect();
    ensure(held.join(", ") == counts, &counts, held.join(", "))
}

#[then("every user on the page is as last acknowledged")]
async fn page_is_as_known(world: &mut World) -> StepResult {
    let page = world.users.calls.last().and_then(UserCall::page);
    let users = page.map(|page| page.users.as_slice()).unwrap_or_default();
    let tracked = world.users.tracked.values().map(TrackedUser::now);
    let groups = world.users.groups.values().flat_map(|group| &group.users);
    let known: Vec<&User> = tracked.chain(groups).collect();
    let wrong = users.iter().filter(|user| !known.contains(user));
    let wrong = wrong.map(|user| format!("{user:?}")).collect();
    all("every user as last acknowledged", wrong, users.len())
}

#[then("every answer holds the same users")]
async fn answers_are_the_same(world: &mut World) -> StepResult {
    let calls = &world.users.calls;
    let users = |it: &UserCall| it.page().map(|it| it.users.clone());
    // Empty pages are all the same.
    let first = calls.first().and_then(users).filter(|it| !it.is_empty());
    let wrong = calls
        .iter()
        .filter(|it| users(it) != first || first.is_none());
    all(
        "the same users in every answer",
        wrong.map(|it| format!("{:?}", it.call.result)).collect(),
        calls.len(),
    )
}

#[when("the token is used with")]
async fn token_is_used(world: &mut World, step: &Step) -> StepResult {
    let fields = world.fields(step)?;
    let mut asked = world.users.walk.request.clone();
    let changed = request(world, None, &fields)?;
    for (field, _) in &fields {
        match field.as_str() {
            "filter" => asked.filter.clone_from(&changed.filter),
            "order_by" => asked.order_by.clone_from(&changed.order_by),
            _ => asked.page_size = changed.page_size,
        }
    }
    asked.page_token = token(world)?;
    world.begin();
    list(world, asked).await
}

fn token(world: &World) -> StepResult<String> {
    let token = world
        .users
        .walk
        .pages
        .last()
        .map(|it| it.next_page_token.clone())
        .unwrap_or_default();
    if token.is_empty() {
        return Err(Failure::mismatch(
            "a token for the next page",
            "an empty one",
        ));
    }
    Ok(token)
}

#[when(
    regex = r"^the token is used with (each character changed in turn|each character left out in turn|its end cut off at each length|text added before and behind|its letter case changed)$"
)]
async fn tampered_token_is_used(world: &mut World, how: String) -> StepResult {
    let token = token(world)?;
    let asked = world.users.walk.request.clone();
    world.begin();
    let client = world.client(0).await?.quiet();
    for page_token in tampered(&token, &how) {
        let call = client
            .list(ListUsersRequest {
                page_token,
                ..asked.clone()
            })
            .await;
        world.done(UserCall::new(call.map(UserResponse::Page)));
    }
    Ok(())
}

/// Variants of a token, none of them the token itself and none empty.
fn tampered(token: &str, how: &str) -> Vec<String> {
    let letters: Vec<char> = token.chars().collect();
    let with = |index: usize, put: Option<char>| -> String {
        let letters = letters.iter().enumerate();
        letters
            .filter_map(|(at, letter)| if at == index { put } else { Some(*letter) })
            .collect()
    };
    let variants: Vec<String> = match how {
        "each character changed in turn" => {
            let other = |letter: char| if letter == 'A' { 'B' } else { 'A' };
            (0..letters.len())
                .map(|it| with(it, Some(other(letters[it]))))
                .collect()
        }
        "each character left out in turn" => (0..letters.len()).map(|it| with(it, None)).collect(),
        "its end cut off at each length" => (1..letters.len())
            .map(|it| letters[..it].iter().collect())
            .collect(),
        "text added before and behind" => ["A", "=", "x", ".", " "]
            .iter()
            .flat_map(|added| [format!("{added}{token}"), format!("{token}{added}")])
            .chain([format!("{token}{token}")])
            .collect(),
        _ => vec![token.to_uppercase(), token.to_lowercase(), mixed(token)],
    };
    variants
        .into_iter()
        .filter(|it| it != token && !it.is_empty())
        .collect()
}

#[when(
    regex = r#"^users named "([A-Z][a-z]+)" are created, suspended and deleted (\d+) times each, on both instances in turn, and counted on both after each$"#
)]
async fn are_changed_and_counted(world: &mut World, alias: String, times: usize) -> StepResult {
    let clients = world.all_clients().await?;
    let mut users = CountedUsers {
        users: world.users_named(&alias)?.into(),
        suspended: BTreeSet::new(),
    };
    for round in 0..3 * times {
        let request = named(world, &alias);
        let client = &clients[round % clients.len()];
        users.change(client, request, round).await?;
        for (filter, count) in users.counts(&world.named(&alias)) {
            count_on_all(world, &clients, round, (&filter, count)).await?;
        }
    }
    Ok(())
}

/// A request for a further user with the name of an alias.
fn named(world: &mut World, alias: &str) -> CreateUserRequest {
    CreateUserRequest {
        name: world.name_of(alias),
        ..world.newcomer()
    }
}

/// Users with one name, and which of them are suspended.
struct CountedUsers {
    users: VecDeque<User>,
    suspended: BTreeSet<String>,
}

impl CountedUsers {
    /// In turn, creates a user, suspends the newest one and deletes the oldest one.
    async fn change(
        &mut self,
        client: &Users,
        create: CreateUserRequest,
        round: usize,
    ) -> StepResult {
        match round % 3 {
            0 => self.users.push_back(client.create(create).await.ok()?),
            1 => {
                let newest = self.users.back().map(|user| user.id.clone());
                let id = newest.unwrap_or_default();
                let request = UpdateUserRequest {
                    id: id.clone(),
                    status: Some(UserStatus::Suspended as i32),
                    ..UpdateUserRequest::default()
                };
                client.update(request).await.ok()?;
                self.suspended.insert(id);
            }
            _ => {
                let oldest = self.users.pop_front().map(|user| user.id);
                let id = oldest.unwrap_or_default();
                client.delete(&id).await.ok()?;
                self.suspended.remove(&id);
            }
        }
        Ok(())
    }

    /// Filters, each with the number of users that it must find; `name` is the filter by the common name.
    fn counts(&self, name: &str) -> [(String, usize); 4] {
        let (all, suspended) = (self.users.len(), self.suspended.len());
        [
            (String::new(), all),
            (name.to_owned(), all),
            (format!("{name} AND status=SUSPENDED"), suspended),
            (format!("{name} AND status=ACTIVE"), all - suspended),
        ]
    }
}

/// Counts on every instance, and records each answer with the right number.
async fn count_on_all(
    world: &mut World,
    clients: &[Users],
    round: usize,
    (filter, count): (&str, usize),
) -> StepResult {
    let count = i32::try_from(count).map_err(Failure::broken)?;
    for (index, client) in clients.iter().enumerate() {
        let request = ListUsersRequest {
            filter: filter.to_owned(),
            page_size: 1,
            ..Default::default()
        };
        let seen = client.list(request).await.result.map(|it| it.total_count);
        let what = format!(
            "`{filter}` on instance {} after change {}",
            index + 1,
            round + 1
        );
        world.users.counts.push((what, count, seen));
    }
    Ok(())
}

#[then("every count is exact")]
async fn every_count_is_exact(world: &mut World) -> StepResult {
    let counts = &world.users.counts;
    let wrong = counts.iter().filter_map(|(what, count, seen)| match seen {
        Ok(seen) if seen == count => None,
        Ok(seen) => Some(format!("{what}: {seen} instead of {count}")),
        Err(status) => Some(format!("{what}: {}", shown(status))),
    });
    all("exact counts", wrong.collect(), counts.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(ids: &[&str], total_count: i32, right: bool) {
        let user = |id: &&str| User {
            id: (*id).to_owned(),
            ..User::default()
        };
        let page = ListUsersResponse {
            users: ids.iter().map(user).collect(),
            total_count,
            ..ListUsersResponse::default()
        };
        let checked = finds_only(&page, &BTreeSet::from(["a", "b"]));
        assert_eq!(checked.is_ok(), right, "{checked:?}");
    }

    #[test]
    fn a_filter_finds_each_of_its_users_once_and_no_other() {
        check(&["b", "a"], 2, true);
        check(&["a"], 2, false);
        check(&["a", "b", "c"], 2, false);
        check(&["a", "b", "b"], 2, false);
        check(&["a", "b"], 3, false);
        check(&["a", "b"], -1, false);
        check(&[], 2, false);
    }
}
