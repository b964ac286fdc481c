//! The program `conformance`; everything it does is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    conformance_suite::cli::main()
}
