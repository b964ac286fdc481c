//! The program `user-service`.

use std::process::ExitCode;

use user_service::dependencies::Dependencies;
use user_service::program::UserServiceProgram;

fn main() -> ExitCode {
    platform::program::main::<UserServiceProgram>(Dependencies::new)
}
