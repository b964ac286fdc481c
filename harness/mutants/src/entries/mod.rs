//! The mutants, by area.

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
use crate::mutant::{CommonParts, Fault, Mutant, Program, Variables};
use crate::standing::Standing;
use crate::store::{self, StoreLayer};
use crate::wire;

/// Returns every mutant, and the plain references.
pub fn all() -> Vec<Mutant> {
    let mut all = plain_and_standing(
        Program::UserService,
        [
            "plain",
            "standing-unavailable",
            "standing-closes",
            "standing-empty",
        ],
    );
    all.extend(plain_and_standing(
        Program::Gateway,
        [
            "gateway-plain",
            "gateway-standing-unavailable",
            "gateway-standing-closes",
            "gateway-standing-empty",
        ],
    ));
    all.extend(config::mutants());
    all.extend(health::mutants());
    all.extend(grpc::mutants());
    all.extend(logs::mutants());
    all.extend(texts::mutants());
    all.extend(users::mutants());
    all.extend(listing::mutants());
    all.extend(failures::mutants());
    all.extend(pools::mutants());
    all.extend(streams::mutants());
    let gateways = gateway::mutants(&all);
    all.extend(gateways);
    all.extend(edited::mutants());
    all
}

/// A program's plain reference and its standing mutants.
fn plain_and_standing(
    program: Program,
    [plain, unavailable, closes, empty]: [&'static str; 4],
) -> Vec<Mutant> {
    let standing =
        |id, wrong, kind| Mutant::for_all_clauses(program, id, wrong, Fault::Standing(kind));
    vec![
        Mutant::for_all_clauses(
            program,
            plain,
            "nothing: this is the reference",
            Fault::None,
        ),
        standing(
            unavailable,
            "every call is UNAVAILABLE",
            Standing::Unavailable,
        ),
        standing(closes, "every connection is closed", Standing::Closes),
        standing(
            empty,
            "every call succeeds with an empty response",
            Standing::Empty,
        ),
    ]
}

/// A mutant of the user service with changed dependencies.
fn user_service_mutant(
    id: &'static str,
    clause: &'static str,
    wrong: &'static str,
    fault: impl FnOnce(&Settings, &mut Dependencies) + 'static,
) -> Mutant {
    Mutant::new(id, clause, wrong, Fault::Dependencies(Box::new(fault)))
}

/// A mutant, of both programs, with changed common parts.
fn common_mutant(
    id: &'static str,
    clause: &'static str,
    wrong: &'static str,
    fault: impl Fn(&mut CommonParts<'_>) + 'static,
) -> Mutant {
    Mutant::new(id, clause, wrong, Fault::Common(Rc::new(fault)))
}

/// A mutant of the user service whose store is wrapped in a layer.
fn store_mutant(
    id: &'static str,
    clause: &'static str,
    wrong: &'static str,
    layer: impl StoreLayer,
) -> Mutant {
    user_service_mutant(id, clause, wrong, |_, dependencies| {
        store::wrap_store(dependencies, layer);
    })
}

/// A mutant, of both programs, that changes the environment variables before they are read.
fn environment_mutant(
    id: &'static str,
    clause: &'static str,
    wrong: &'static str,
    fault: fn(&mut Variables),
) -> Mutant {
    Mutant::new(id, clause, wrong, Fault::Environment(fault))
}

/// A mutant, of both programs, with another `main`: it takes the command and the variables, and returns the status.
fn main_mutant(
    id: &'static str,
    clause: &'static str,
    wrong: &'static str,
    main: fn(&str, Variables) -> ExitCode,
) -> Mutant {
    Mutant::new(id, clause, wrong, Fault::Main(main))
}

/// A mutant, of both programs, that rewrites lines of the log; `None` drops a line.
fn output_mutant(
    id: &'static str,
    clause: &'static str,
    wrong: &'static str,
    rewrite: fn(String) -> Option<String>,
) -> Mutant {
    Mutant::new(id, clause, wrong, Fault::Output(rewrite))
}

/// Sets an environment variable.
fn set_variable(variables: &mut Variables, name: &str, value: &str) {
    variables.insert(name.to_owned(), value.to_owned());
}

/// Changes the id in every request to get, update or delete a user.
fn change_ids(dependencies: &mut Dependencies, change: fn(&mut String)) {
    wire::change_requests(
        dependencies,
        "/GetUser",
        move |request: &mut GetUserRequest| {
            change(&mut request.id);
        },
    );
    wire::change_requests(
        dependencies,
        "/UpdateUser",
        move |request: &mut UpdateUserRequest| {
            change(&mut request.id);
        },
    );
    wire::change_requests(
        dependencies,
        "/DeleteUser",
        move |request: &mut DeleteUserRequest| {
            change(&mut request.id);
        },
    );
}

/// Completes after this time.
async fn delay(time: Duration) {
    let _ = tokio::time::timeout(time, std::future::pending::<()>()).await;
}
