//! The gateway as a program.

use std::process::ExitCode;

use gateway::dependencies::Dependencies;
use gateway::program::GatewayProgram;

fn main() -> ExitCode {
    platform::program::main::<GatewayProgram>(Dependencies::new)
}
