//! The user service as the contract wants it.

use std::process::ExitCode;

use user_service::parts::Parts;
use user_service::program;

fn main() -> ExitCode {
    program::main(Parts::contract)
}
