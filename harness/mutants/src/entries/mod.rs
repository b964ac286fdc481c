//! All mutants, by area.

#![allow(clippy::too_many_lines, reason = "the functions are tables")]
#![allow(clippy::unnecessary_wraps, reason = "the functions fit a rule's type")]
#![allow(
    clippy::assigning_clones,
    reason = "plain assignments read best in a table"
)]

mod config;
mod connection;
mod failures;
mod gateway;
mod grpc;
mod health;
mod listing;
mod logs;
mod pools;
mod streams;
mod texts;
mod users;

use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use user_proto::v1::{DeleteUserRequest, GetUserRequest, UpdateUserRequest};
use user_service::dependencies::Dependencies;
use user_service::settings::Settings;

use crate::edited;
use crate::entry::{Common, Entry, How, Program, Variables};
use crate::standing::Standing;
use crate::store::{self, Layer};
use crate::wire;

/// Every mutant, the plain reference among them.
pub fn all() -> Vec<Entry> {
    let mut all = of_all(
        Program::UserService,
        [
            "plain",
            "standing-unavailable",
            "standing-closes",
            "standing-empty",
        ],
    );
    all.extend(of_all(
        Program::Gateway,
        [
            "gateway-plain",
            "gateway-standing-unavailable",
            "gateway-standing-closes",
            "gateway-standing-empty",
        ],
    ));
    all.extend(config::entries());
    all.extend(health::entries());
    all.extend(grpc::entries());
    all.extend(logs::entries());
    all.extend(texts::entries());
    all.extend(users::entries());
    all.extend(listing::entries());
    all.extend(failures::entries());
    all.extend(pools::entries());
    all.extend(streams::entries());
    let gateways = gateway::entries(&all);
    all.extend(gateways);
    all.extend(edited::entries());
    all
}

/// What every program has: the plain reference, and what needs no reference.
fn of_all(program: Program, [plain, unavailable, closes, empty]: [&'static str; 4]) -> Vec<Entry> {
    let standing = |id, wrong, how| Entry::of_all(program, id, wrong, How::Standing(how));
    vec![
        Entry::of_all(
            program,
            plain,
            "nothing: the reference through the same seams",
            How::Plain,
        ),
        standing(
            unavailable,
            "every call is UNAVAILABLE",
            Standing::Unavailable,
        ),
        standing(closes, "every connection is closed", Standing::Closes),
        standing(
            empty,
            "everything is accepted, every answer is empty",
            Standing::Empty,
        ),
    ]
}

/// An entry that replaces a dependency, or puts something around it.
fn parts(
    id: &'static str,
    clause: &'static str,
    wrong: &'static str,
    fault: impl FnOnce(&Settings, &mut Dependencies) + 'static,
) -> Entry {
    Entry::new(id, clause, wrong, How::Dependencies(Box::new(fault)))
}

/// An entry that replaces a dependency which both programs have.
fn common(
    id: &'static str,
    clause: &'static str,
    wrong: &'static str,
    fault: impl Fn(&mut Common<'_>) + 'static,
) -> Entry {
    Entry::new(id, clause, wrong, How::Common(Rc::new(fault)))
}

/// An entry that puts a layer around the store.
fn layered(
    id: &'static str,
    clause: &'static str,
    wrong: &'static str,
    layer: impl Layer,
) -> Entry {
    parts(id, clause, wrong, |_, it| store::add_layer(it, layer))
}

/// An entry that changes the environment before anything reads it.
fn environment(
    id: &'static str,
    clause: &'static str,
    wrong: &'static str,
    fault: fn(&mut Variables),
) -> Entry {
    Entry::new(id, clause, wrong, How::Environment(fault))
}

/// An entry that lives otherwise: the command and the environment in, the exit status out.
fn life(
    id: &'static str,
    clause: &'static str,
    wrong: &'static str,
    live: fn(&str, Variables) -> ExitCode,
) -> Entry {
    Entry::new(id, clause, wrong, How::Life(live))
}

/// An entry that changes the lines of the output.
fn output(
    id: &'static str,
    clause: &'static str,
    wrong: &'static str,
    fault: fn(String) -> Option<String>,
) -> Entry {
    Entry::new(id, clause, wrong, How::Output(fault))
}

/// Sets a variable; an earlier value is replaced.
fn set(variables: &mut Variables, name: &str, value: &str) {
    variables.insert(name.to_owned(), value.to_owned());
}

/// Changes the id in every request that names a user by it.
fn on_ids(it: &mut Dependencies, change: fn(&mut String)) {
    wire::requests(it, "/GetUser", move |request: &mut GetUserRequest| {
        change(&mut request.id);
    });
    wire::requests(it, "/UpdateUser", move |request: &mut UpdateUserRequest| {
        change(&mut request.id);
    });
    wire::requests(it, "/DeleteUser", move |request: &mut DeleteUserRequest| {
        change(&mut request.id);
    });
}

/// Lets so much time pass.
async fn pass(time: Duration) {
    let _ = tokio::time::timeout(time, std::future::pending::<()>()).await;
}
