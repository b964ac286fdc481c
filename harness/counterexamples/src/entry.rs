//! What a counterexample is, and how it runs.

use std::collections::HashMap;
use std::process::ExitCode;

use platform::environment::Environment;
use serde::Serialize;
use user_service::parts::Parts;
use user_service::program;
use user_service::settings::Settings;

use crate::output;
use crate::standing::{self, Standing};

/// The variables that a program was started with.
pub type Variables = HashMap<String, String>;

/// Makes some of the parts wrong.
pub type Spoil = Box<dyn FnOnce(&Settings, &mut Parts)>;

/// One wrong program.
pub struct Entry {
    /// Its name on the command line.
    pub id: &'static str,
    /// The clause that it breaks; none for the plain reference and for what breaks everything.
    pub clause: Option<&'static str>,
    /// What is wrong with it.
    pub wrong: &'static str,
    how: How,
}

/// What is made wrong.
pub enum How {
    /// Nothing.
    Plain,
    /// The reference's parts.
    Parts(Spoil),
    /// The environment, before anything reads it.
    Environment(fn(&mut Variables)),
    /// The whole life: the command and the environment in, the exit status out.
    Life(fn(&str, Variables) -> ExitCode),
    /// The command `healthcheck`; it gets the port.
    Healthcheck(fn(u16) -> ExitCode),
    /// The lines of its output, one by one; what is `None` is not written.
    Output(fn(String) -> Option<String>),
    /// A program without the reference.
    Standing(Standing),
}

/// An entry as `list` prints it.
#[derive(Serialize)]
pub struct Listed<'a> {
    id: &'a str,
    component: &'a str,
    clause: Option<&'a str>,
    wrong: &'a str,
}

impl Entry {
    /// An entry that breaks one clause.
    pub fn new(id: &'static str, clause: &'static str, wrong: &'static str, how: How) -> Self {
        Self {
            id,
            clause: Some(clause),
            wrong,
            how,
        }
    }

    /// An entry for everything or nothing.
    pub fn of_all(id: &'static str, wrong: &'static str, how: How) -> Self {
        Self {
            id,
            clause: None,
            wrong,
            how,
        }
    }

    /// As `list` prints it.
    pub fn listed(&self) -> Listed<'_> {
        Listed {
            id: self.id,
            component: "user-service",
            clause: self.clause,
            wrong: self.wrong,
        }
    }

    /// Runs it as the program that it stands for.
    pub fn run(self, command: &str) -> ExitCode {
        match self.how {
            How::Plain => plain(command, variables()),
            How::Parts(spoil) => reference(command, variables(), spoil),
            How::Environment(spoil) => {
                let mut variables = variables();
                spoil(&mut variables);
                plain(command, variables)
            }
            How::Life(live) => live(command, variables()),
            How::Healthcheck(check) => {
                let variables = variables();
                let port = variables
                    .get("PORT")
                    .and_then(|it| it.parse().ok())
                    .unwrap_or(8080);
                if command == "healthcheck" {
                    check(port)
                } else {
                    plain(command, variables)
                }
            }
            How::Output(spoil) => output::run(command, spoil),
            How::Standing(standing) => standing::main(standing, command),
        }
    }
}

fn variables() -> Variables {
    std::env::vars().collect()
}

/// The reference as it is.
pub fn plain(command: &str, variables: Variables) -> ExitCode {
    reference(command, variables, |_, _| {})
}

/// The reference with its parts as `spoil` leaves them.
fn reference(
    command: &str,
    variables: Variables,
    spoil: impl FnOnce(&Settings, &mut Parts),
) -> ExitCode {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be made");
    let environment = Environment::from_iter(variables);
    let status = runtime.block_on(program::run(
        Some(command.to_owned()),
        environment,
        |settings| {
            let mut parts = Parts::contract(settings);
            spoil(settings, &mut parts);
            parts
        },
    ));
    runtime.shutdown_background();
    status
}
