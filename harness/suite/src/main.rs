//! The program `conformance`: judges an implementation of the platform.
//!
//! - [`cli`]: arguments in, exit status out
//! - [`catalogue`]: data: components, capabilities, clauses
//! - [`features`]: the specification, inside the binary
//! - [`self_check`]: the mutants
//! - [`properties`]: statements about all inputs
//! - [`session`]: one run, from what was asked to the exit status
//! - [`site`]: what all scenarios of one run share
//! - [`component`]: the programs, what each serves and attaches to
//! - [`deployment`]: the instances of one program, and what they attach to
//! - [`world`]: what one scenario owns
//! - [`steps`]: what the features' sentences do
//! - [`checks`]: reusable judgements
//! - [`doubles`]: what stands in for a peer
//! - [`drivers`]: verbs of the domain
//! - [`text`], [`gifts`]: what features say in words
//! - [`params`]: typed parameters of steps

mod catalogue;
mod checks;
mod cli;
mod component;
mod deployment;
mod doubles;
mod drivers;
mod features;
mod gifts;
mod params;
mod properties;
mod self_check;
mod session;
mod site;
mod steps;
mod text;
mod world;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
