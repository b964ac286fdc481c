//! The program `conformance`: judges an implementation of the platform.
//!
//! - [`cli`]: arguments in, exit status out
//! - [`catalogue`]: data: components, capabilities, clauses
//! - [`features`]: the specification, inside the binary
//! - [`self_check`]: the counterexamples
//! - [`session`]: one run, from what was asked to the exit status
//! - [`site`]: what all scenarios of one run share
//! - [`deployment`]: a database, a Redis and the instances that run on them
//! - [`world`]: what one scenario owns
//! - [`steps`]: what the features' sentences do
//! - [`checks`]: reusable judgements
//! - [`drivers`]: verbs of the domain
//! - [`params`]: typed parameters of steps

mod catalogue;
mod checks;
mod cli;
mod deployment;
mod drivers;
mod features;
mod params;
mod self_check;
mod session;
mod site;
mod steps;
mod world;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
