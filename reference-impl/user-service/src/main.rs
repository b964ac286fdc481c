//! The user service as the contract wants it.

use std::process::ExitCode;

use user_service::parts::Parts;
use user_service::program::UserServiceProgram;

fn main() -> ExitCode {
    platform::program::main::<UserServiceProgram>(Parts::contract)
}
