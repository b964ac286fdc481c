//! What lines of the log become: the plain reference as a child, its standard output rewritten.

use std::io::{BufReader, Write as _};
use std::process::{Command, ExitCode, Stdio};

use crate::entry::{Program, plain_name};
use tokio::signal::unix::{SignalKind, signal};

/// Runs the plain reference and passes its lines through `fault`; signals are passed on to it.
pub fn run(program: Program, command: &str, fault: fn(String) -> Option<String>) -> ExitCode {
    let own = std::env::current_exe().expect("this program has a path");
    let mut child = Command::new(own)
        .args([plain_name(program), command])
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program starts again");
    pass_signals_on(child.id());
    let lines = child.stdout.take().map(BufReader::new);
    for line in lines
        .into_iter()
        .flat_map(std::io::BufRead::lines)
        .map_while(Result::ok)
    {
        if let Some(line) = fault(line) {
            let _ = writeln!(std::io::stdout(), "{line}");
        }
    }
    let code = child.wait().ok().and_then(|it| it.code()).unwrap_or(1);
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

fn pass_signals_on(child: u32) {
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
                    let name = tokio::select! {
                        _ = terminate.recv() => "-TERM",
                        _ = interrupt.recv() => "-INT",
                    };
                    let _ = Command::new("kill")
                        .args([name, &child.to_string()])
                        .status();
                }
            });
    });
}
