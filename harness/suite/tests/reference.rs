//! `cargo test` runs the suite on the reference; arguments of the test go to `conformance run`.

use std::path::Path;
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let given: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test NAME` and `cargo test -- --list` are for the tests that have a harness.
    if !given.is_empty()
        && !given
            .iter()
            .any(|it| it.starts_with("--clause") || it.starts_with("--name"))
    {
        println!("the suite on the reference: not asked for");
        return ExitCode::SUCCESS;
    }
    let status = Command::new(env!("CARGO_BIN_EXE_conformance"))
        .arg("run")
        .args(given)
        .current_dir(root)
        .status();
    match status.map(|it| it.code()) {
        Ok(Some(code)) => ExitCode::from(u8::try_from(code).unwrap_or(2)),
        Ok(None) => ExitCode::from(2),
        Err(error) => {
            eprintln!("error: cannot run the suite: {error}");
            ExitCode::from(2)
        }
    }
}
