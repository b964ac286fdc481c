//! Rewrites log lines: runs the plain reference as a child process and filters its standard output.

use std::io::{BufReader, Write as _};
use std::process::{Command, ExitCode, Stdio};

use crate::mutant::{Program, plain_id};
use tokio::signal::unix::{SignalKind, signal};

/// Runs the plain reference and writes its output lines as `rewrite` returns them; forwards signals to the child.
pub fn run(program: Program, command: &str, rewrite: fn(String) -> Option<String>) -> ExitCode {
    let executable = std::env::current_exe().expect("this program has a path");
    let mut child = Command::new(executable)
        .args([plain_id(program), command])
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program starts again");
    forward_signals(child.id());
    let lines = child.stdout.take().map(BufReader::new);
    for line in lines
        .into_iter()
        .flat_map(std::io::BufRead::lines)
        .map_while(Result::ok)
    {
        if let Some(line) = rewrite(line) {
            let _ = writeln!(std::io::stdout(), "{line}");
        }
    }
    let code = child.wait().ok().and_then(|it| it.code()).unwrap_or(1);
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

fn forward_signals(child: u32) {
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime
            .expect("a runtime can be made")
            .block_on(async move {
                let mut terminate = signal(SignalKind::terminate()).expect("signals can be caught");
                let mut interrupt = signal(SignalKind::interrupt()).expect("signals can be caught");
                loop {
                    let flag = tokio::select! {
                        _ = terminate.recv() => "-TERM",
                        _ = interrupt.recv() => "-INT",
                    };
                    let _ = Command::new("kill")
                        .args([flag, &child.to_string()])
                        .status();
                }
            });
    });
}
