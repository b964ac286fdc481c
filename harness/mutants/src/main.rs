//! The mutants: faulty variants of the reference, selected by their ids.
//!
//! `mutants list` prints them as JSON; `mutants NAME [COMMAND]` runs one.
//!
//! - [`mutant`]: what a mutant is, and how it runs
//! - [`entries`]: the mutants, by area
//! - [`edited`]: the mutants that are edits of the reference's sources
//! - [`wire`]: changes gRPC requests to a user service, and its responses
//! - [`http`]: changes HTTP requests to a gateway, and its responses
//! - [`gateway_calls`]: changes a gateway's calls of its user service, method by method
//! - [`call_interceptor`]: passes every call of a gateway to an interceptor
//! - [`probes`]: changes the responses of health endpoints
//! - [`store`]: overrides methods of the user service's store
//! - [`change_log`]: overrides methods of the change log that streams read
//! - [`output`]: rewrites the lines of the log
//! - [`standing`]: stub servers that share no code with the reference

mod call_interceptor;
mod change_log;
mod edited;
mod entries;
mod gateway_calls;
mod http;
mod mutant;
mod output;
mod probes;
mod standing;
mod store;
mod wire;

use std::process::ExitCode;

use mutant::{ListedMutant, Mutant};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_default();
    let all = entries::all();
    if name == "list" {
        let listed: Vec<ListedMutant<'_>> = all.iter().map(Mutant::describe).collect();
        return match serde_json::to_writer(std::io::stdout(), &listed) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        };
    }
    if let Some(found) = all.into_iter().find(|mutant| mutant.id == name) {
        found.run(&arguments.next().unwrap_or_else(|| "serve".to_owned()))
    } else {
        eprintln!("there is no mutant {name:?}; `mutants list` prints them");
        ExitCode::from(2)
    }
}
