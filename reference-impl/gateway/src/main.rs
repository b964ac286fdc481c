//! The gateway as the contract wants it.

use std::process::ExitCode;

use gateway::parts::Parts;
use gateway::program::GatewayProgram;

fn main() -> ExitCode {
    platform::program::main::<GatewayProgram>(Parts::contract)
}
