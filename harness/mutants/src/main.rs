//! The mutants: the reference with one part made wrong, by name.
//!
//! `mutants list` prints them as JSON; `mutants NAME [COMMAND]` runs one.
//!
//! - [`entry`]: what a mutant is, and how it runs
//! - [`entries`]: all of them, by area
//! - [`edited`]: those that are edits of the reference
//! - [`wire`]: what a user service's calls and answers become on their way
//! - [`http`]: what requests to a gateway become, and its answers
//! - [`calls`]: what a gateway's calls become
//! - [`probes`]: what answers of probes become
//! - [`store`]: a store with some of its methods replaced
//! - [`changes`]: a change log that reports something other than what happened
//! - [`upstream`]: calls of a gateway made otherwise
//! - [`output`]: what lines of the log become
//! - [`standing`]: programs that need no reference

mod calls;
mod changes;
mod edited;
mod entries;
mod entry;
mod http;
mod output;
mod probes;
mod standing;
mod store;
mod upstream;
mod wire;

use std::process::ExitCode;

use entry::Listed;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_default();
    let all = entries::all();
    if name == "list" {
        let listed: Vec<Listed<'_>> = all.iter().map(entry::Entry::listed).collect();
        return match serde_json::to_writer(std::io::stdout(), &listed) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        };
    }
    if let Some(found) = all.into_iter().find(|it| it.id == name) {
        found.run(&arguments.next().unwrap_or_else(|| "serve".to_owned()))
    } else {
        eprintln!("there is no mutant {name:?}; `mutants list` prints them");
        ExitCode::from(2)
    }
}
