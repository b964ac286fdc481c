//! The gateway as the contract wants it.

use std::process::ExitCode;

use gateway::parts::Parts;
use gateway::program;

fn main() -> ExitCode {
    program::main(Parts::contract)
}
