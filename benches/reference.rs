//! The benches of the reference; the program is also the baseline server and the watchdog.

use std::process::ExitCode;

fn main() -> ExitCode {
    benches::main()
}
