//! Lists over all pages.

use std::collections::{BTreeMap, BTreeSet};

use conformance_engine::failure::{Failure, StepResult, ensure};
use cucumber::gherkin::Step;
use cucumber::{given, then, when};
use user_proto::v1::{CreateUserRequest, ListUsersRequest, UpdateUserRequest, User};

use super::calls::filtered;
use super::listing::{request, sizes};
use crate::checks::all;
use crate::drivers::users::Users;
use crate::model::SortKey;
use crate::world::World;
use crate::world::users::{PageWalk, UserCall, UserResponse};

/// Maximum number of pages, nearly twice the most that a scenario needs: page tokens in a circle end as a failure long
/// before the time limit of the scenario.
const MOST_PAGES: usize = 200;

/// Starts a list over all pages.
fn start(world: &mut World, alias: Option<&str>, step: &Step) -> StepResult<Vec<i32>> {
    let fields = world.fields(step)?;
    let request = request(world, alias, &fields)?;
    let page_sizes = fields
        .iter()
        .find(|(field, _)| field == "page_size")
        .map(|(_, value)| sizes(value));
    world.users.walk = PageWalk {
        request,
        ..PageWalk::default()
    };
    world.begin();
    page_sizes.unwrap_or(Ok(vec![0]))
}

/// Lists the next page; `false` after the last one.
async fn step_on(world: &mut World, client: &Users, page_size: i32) -> StepResult<bool> {
    let walk = &mut world.users.walk;
    if let Some(last) = walk.pages.last() {
        if last.next_page_token.is_empty() {
            return Ok(false);
        }
        walk.request.page_token.clone_from(&last.next_page_token);
    }
    let asked = ListUsersRequest {
        page_size,
        ..walk.request.clone()
    };
    let call = client.list(asked).await;
    let page = call.clone().ok()?;
    world.done(UserCall::new(call.map(UserResponse::Page)));
    world.users.walk.pages.push(page);
    if world.users.walk.pages.len() > MOST_PAGES {
        return Err(Failure::mismatch(
            "a last page",
            format!("{MOST_PAGES} pages without a last one"),
        ));
    }
    Ok(true)
}

/// Lists all further pages with these page sizes, the last one repeated, on these instances in turn.
async fn walk(world: &mut World, clients: &[Users], page_sizes: &[i32]) -> StepResult {
    let mut taken = world.users.walk.pages.len();
    loop {
        let size = page_sizes[taken.min(page_sizes.len() - 1)];
        let client = clients[taken % clients.len()].clone();
        if !step_on(world, &client, size).await? {
            return Ok(());
        }
        taken += 1;
    }
}

#[when(
    regex = r#"^the users named "([A-Z][a-z]+)" are listed page by page( on both instances in turn)? with$"#
)]
async fn named_are_walked(
    world: &mut World,
    alias: String,
    both: String,
    step: &Step,
) -> StepResult {
    let page_sizes = start(world, Some(&alias), step)?;
    let mut clients = world.all_clients().await?;
    if both.is_empty() {
        clients.truncate(1);
    }
    walk(world, &clients, &page_sizes).await
}

#[when("all users are listed page by page with")]
async fn all_are_walked(world: &mut World, step: &Step) -> StepResult {
    let page_sizes = start(world, None, step)?;
    let client = world.client(0).await?;
    walk(world, &[client], &page_sizes).await
}

#[given(
    regex = r#"^the first page of (?:all users|the users named "([A-Z][a-z]+)") was listed with$"#
)]
async fn first_page_was_listed(world: &mut World, alias: String, step: &Step) -> StepResult {
    let alias = Some(alias.as_str()).filter(|it| !it.is_empty());
    let page_sizes = start(world, alias, step)?;
    let client = world.client(0).await?;
    world.users.walk.request.page_size = page_sizes[0];
    step_on(world, &client, page_sizes[0]).await.map(|_| ())
}

#[when("the further pages are listed")]
async fn walk_goes_on(world: &mut World) -> StepResult {
    world.begin();
    let client = world.client(0).await?;
    let size = world.users.walk.request.page_size;
    walk(world, &[client], &[size]).await
}

#[when(regex = r"^the second page is listed (\d+) times$")]
async fn second_page_is_listed(world: &mut World, times: usize) -> StepResult {
    world.begin();
    let client = world.client(0).await?;
    let walk = &world.users.walk;
    let last = walk.pages.last();
    let page_token = last.map(|page| page.next_page_token.clone());
    let request = ListUsersRequest {
        page_token: page_token.unwrap_or_default(),
        ..walk.request.clone()
    };
    for _ in 0..times {
        let call = client.list(request.clone()).await;
        world.done(UserCall::new(call.map(UserResponse::Page)));
    }
    Ok(())
}

#[when(
    regex = r#"^the users named "([A-Z][a-z]+)" are listed page by page in order of (\w+(?: desc)?) with page_size (\d+), and after each page (.+)$"#
)]
async fn are_walked_meanwhile(
    world: &mut World,
    alias: String,
    order_by: String,
    page_size: i32,
    meanwhile: String,
) -> StepResult {
    world.begin();
    world.users.walk = new_walk(world, &alias, order_by)?;
    let client = world.client(0).await?;
    while step_on(world, &client, page_size).await? {
        interfere(world, &client, &alias, &meanwhile).await?;
    }
    Ok(())
}

/// A list of the users with the name of an alias, all of which are stable so far.
fn new_walk(world: &World, alias: &str, order_by: String) -> StepResult<PageWalk> {
    let users = world.group(alias)?.users.iter();
    Ok(PageWalk {
        request: ListUsersRequest {
            order_by,
            ..filtered(world.named(alias))
        },
        stable: users.map(|user| user.id.clone()).collect(),
        pages: Vec::new(),
    })
}

/// The changes between two pages. A user whose email or name changes, or who is deleted, is not stable.
async fn interfere(world: &mut World, client: &Users, alias: &str, meanwhile: &str) -> StepResult {
    let seen: Vec<User> = world
        .users
        .walk
        .pages
        .last()
        .map(|it| it.users.clone())
        .unwrap_or_default();
    let descending = world.users.walk.request.order_by.ends_with("desc");
    let (far, near) = if descending {
        ("000", "zzz")
    } else {
        ("zzz", "000")
    };
    let last = seen.last().map(|it| it.id.clone());
    match meanwhile {
        "the last user seen is deleted" => remove(world, client, last.into_iter().collect()).await,
        "all users seen are deleted" => {
            remove(world, client, seen.into_iter().map(|it| it.id).collect()).await
        }
        "3 users are created" => create_around(world, client, alias).await,
        "the last user seen moves to the far end" => move_to(world, client, last, far).await,
        "the next user to come moves to the near end" => {
            let next = next_to_come(world, alias, descending)?;
            move_to(world, client, next, near).await
        }
        "the last user seen is renamed" => {
            let Some(id) = last else { return Ok(()) };
            world.users.walk.stable.remove(&id);
            let name = Some(format!("Moved-{}", world.scenario.id));
            client
                .update(UpdateUserRequest {
                    id,
                    name,
                    ..Default::default()
                })
                .await
                .ok()
                .map(|_| ())
        }
        "every stable user changes its status" => touch(world, client, true).await,
        "every stable user changes its metadata" => touch(world, client, false).await,
        other => Err(Failure::broken(format!(
            "unknown change between pages {other:?}"
        ))),
    }
}

async fn remove(world: &mut World, client: &Users, ids: Vec<String>) -> StepResult {
    for id in ids
        .into_iter()
        .filter(|it| world.users.walk.stable.remove(it))
    {
        client.delete(&id).await.ok()?;
    }
    Ok(())
}

async fn create_around(world: &mut World, client: &Users, alias: &str) -> StepResult {
    for place in ["000", "100", "zzz"] {
        let mut request: CreateUserRequest = world.newcomer();
        request.email = format!("{place}-{}", request.email);
        request.name = world.name_of(alias);
        client.create(request).await.ok()?;
    }
    Ok(())
}

async fn move_to(world: &mut World, client: &Users, id: Option<String>, place: &str) -> StepResult {
    let Some(id) = id else { return Ok(()) };
    if !world.users.walk.stable.remove(&id) {
        return Ok(());
    }
    let email = Some(format!("{place}-{}", world.newcomer().email));
    client
        .update(UpdateUserRequest {
            id,
            email,
            ..Default::default()
        })
        .await
        .ok()
        .map(|_| ())
}

/// The first stable user after those already listed, by email.
fn next_to_come(world: &World, alias: &str, descending: bool) -> StepResult<Option<String>> {
    let walk = &world.users.walk;
    let seen: BTreeSet<&str> = walk
        .pages
        .iter()
        .flat_map(|it| &it.users)
        .map(|it| it.id.as_str())
        .collect();
    let mut coming: Vec<&User> = world
        .group(alias)?
        .users
        .iter()
        .filter(|user| walk.stable.contains(&user.id) && !seen.contains(user.id.as_str()))
        .collect();
    coming.sort_by(|a, b| a.email.cmp(&b.email));
    let next = if descending {
        coming.last()
    } else {
        coming.first()
    };
    Ok(next.map(|it| it.id.clone()))
}

async fn touch(world: &mut World, client: &Users, status: bool) -> StepResult {
    let round = i32::try_from(world.users.walk.pages.len()).unwrap_or(0);
    for id in world.users.walk.stable.clone() {
        let mut request = UpdateUserRequest {
            id,
            ..Default::default()
        };
        if status {
            request.status = Some(1 + round % 3);
        } else {
            request.metadata = BTreeMap::from([("round".to_owned(), round.to_string())]);
        }
        client.update(request).await.ok()?;
    }
    Ok(())
}

fn walked(world: &World) -> Vec<&User> {
    world
        .users
        .walk
        .pages
        .iter()
        .flat_map(|it| &it.users)
        .collect()
}

fn exactly_once(world: &World, wanted: &BTreeSet<String>, alone: bool) -> StepResult {
    let mut met: BTreeMap<&str, usize> = BTreeMap::new();
    for user in walked(world) {
        *met.entry(user.id.as_str()).or_default() += 1;
    }
    let times = |id: &String| met.get(id.as_str()).copied().unwrap_or(0);
    let mut wrong: Vec<String> = wanted
        .iter()
        .filter(|it| times(it) != 1)
        .map(|it| format!("user {it} {} times", times(it)))
        .collect();
    if alone {
        let strangers = met.keys().filter(|it| !wanted.contains(**it));
        wrong.extend(strangers.map(|id| format!("user {id}, which is not one of them")));
    }
    match wrong.first() {
        None => Ok(()),
        Some(first) => {
            let failure = Failure::mismatch(
                format!("each of {} users exactly once", wanted.len()),
                first,
            );
            Err(wrong.iter().skip(1).fold(failure, Failure::detail))
        }
    }
}

#[then(regex = r#"^the pages hold every user named "([A-Z][a-z]+)" exactly once$"#)]
async fn returns_every_user(world: &mut World, alias: String) -> StepResult {
    let wanted = world
        .group(&alias)?
        .users
        .iter()
        .map(|it| it.id.clone())
        .collect();
    exactly_once(world, &wanted, true)
}

#[then(regex = r#"^the pages hold every stable user named "[A-Z][a-z]+" exactly once$"#)]
async fn returns_every_stable_user(world: &mut World) -> StepResult {
    exactly_once(world, &world.users.walk.stable, false)
}

#[then(regex = r"^the list takes (\d+) pages$")]
async fn takes_pages(world: &mut World, count: usize) -> StepResult {
    let pages: Vec<usize> = world
        .users
        .walk
        .pages
        .iter()
        .map(|it| it.users.len())
        .collect();
    ensure(
        pages.len() == count,
        format!("{count} pages"),
        format!("{} pages, of {pages:?} users", pages.len()),
    )
}

#[then(regex = r"^every page's total_count is (\d+)$")]
async fn total_count_is(world: &mut World, count: i32) -> StepResult {
    let pages = &world.users.walk.pages;
    let wrong = pages
        .iter()
        .filter(|it| it.total_count != count)
        .map(|it| it.total_count.to_string());
    all(
        &format!("total_count {count} on every page"),
        wrong.collect(),
        pages.len(),
    )
}

#[then(regex = r"^the users come in the order (\w+)(?: (asc|desc))?$")]
async fn come_in_order(world: &mut World, key: String, direction: String) -> StepResult {
    let mut keys = SortKey::ALL.into_iter();
    let key = keys.find(|candidate| candidate.word() == key);
    let key = key.ok_or_else(|| Failure::broken("unknown order"))?;
    let mut users = walked(world);
    if users.is_empty() {
        let page = world.users.calls.last().and_then(UserCall::page);
        users.extend(page.iter().flat_map(|page| &page.users));
    }
    in_order(&users, key, direction == "desc")
}

/// Checks that of any two neighbours the first does not come after the second, and that there are two.
fn in_order(users: &[&User], key: SortKey, descending: bool) -> StepResult {
    let shown = |user: &User| {
        format!(
            "{:?} <{}> {:?} {:?}",
            user.name, user.email, user.created_at, user.updated_at
        )
    };
    let wrong = users.windows(2).filter(|pair| {
        let order = key.compare(pair[0], pair[1]);
        if descending {
            order.is_lt()
        } else {
            order.is_gt()
        }
    });
    let wrong = wrong.map(|pair| format!("{} before {}", shown(pair[0]), shown(pair[1])));
    let direction = if descending { "desc" } else { "asc" };
    all(
        &format!("users in order of {} {direction}", key.word()),
        wrong.collect(),
        users.len().saturating_sub(1),
    )
}

#[then("a single page of either instance has them in the same order")]
async fn single_page_agrees(world: &mut World) -> StepResult {
    let wanted: Vec<String> = walked(world).iter().map(|user| user.id.clone()).collect();
    let request = ListUsersRequest {
        page_size: 100,
        page_token: String::new(),
        ..world.users.walk.request.clone()
    };
    let mut wrong = Vec::new();
    let clients = world.all_clients().await?;
    for (index, client) in clients.iter().enumerate() {
        let page = client.list(request.clone()).await.ok()?;
        let got = other_order(&page.users, &wanted);
        wrong.extend(got.map(|got| format!("instance {} has {got}", index + 1)));
    }
    all("one order on every page and instance", wrong, clients.len())
}

/// The ids of the users, unless they are the wanted ones in their order, of which there must be one.
fn other_order(users: &[User], wanted: &[String]) -> Option<String> {
    let ids: Vec<&str> = users.iter().map(|user| user.id.as_str()).collect();
    (wanted.is_empty() || ids != wanted).then(|| format!("{ids:?} instead of {wanted:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users(names: &[&str]) -> Vec<User> {
        let user = |name: &&str| User {
            id: (*name).to_owned(),
            name: (*name).to_owned(),
            ..User::default()
        };
        names.iter().map(user).collect()
    }

    #[track_caller]
    fn check(names: &[&str], descending: bool, right: bool) {
        let users = users(names);
        let checked = in_order(&users.iter().collect::<Vec<_>>(), SortKey::Name, descending);
        assert_eq!(checked.is_ok(), right, "{checked:?}");
    }

    #[test]
    fn users_in_the_wrong_order_are_found() {
        check(&["a", "b", "b", "c"], false, true);
        check(&["a", "c", "b"], false, false);
        check(&["c", "b", "a"], true, true);
        check(&["b", "c"], true, false);
    }

    #[test]
    fn one_user_alone_has_no_order() {
        check(&["a"], false, false);
        check(&[], false, false);
    }

    #[test]
    fn a_single_page_has_the_same_users_in_the_same_order() {
        let wanted = ["a".to_owned(), "b".to_owned()];
        assert_eq!(other_order(&users(&["a", "b"]), &wanted), None);
        for other in [&["b", "a"][..], &["a"], &["a", "b", "c"], &[]] {
            assert!(other_order(&users(other), &wanted).is_some(), "{other:?}");
        }
        assert!(other_order(&[], &[]).is_some());
    }
}
