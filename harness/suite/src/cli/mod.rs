//! Arguments in, exit status out; no logic.

mod clean;
mod doctor;
mod explain;
mod init;
mod lint;
mod list;
mod run;
mod self_check;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{self, ExitCode};

use clap::{Args, Parser, Subcommand};
use conformance_engine::backends::engine_host;
use conformance_engine::network::own_network::OwnNetwork;
use conformance_engine::sandbox::host::Host;
use conformance_engine::sandbox::{descriptors, watchdog};

use crate::session::Interrupted;

/// The exit status of a suite that could not do its work.
pub const UNABLE: u8 = 2;

/// The exit status of a run that a signal ended.
const INTERRUPTED: u8 = 130;

/// Judge an implementation of the platform against its contract.
#[derive(Parser)]
#[command(
    name = "conformance",
    version,
    after_help = "Examples:\n  conformance init > conformance.toml     a manifest to start from\n  conformance run --manifest mine.toml    judge an implementation\n  conformance run --clause USR-7          one clause of it\n  conformance explain USR-7               the text of that clause"
)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Without a command: run.
    #[command(flatten)]
    run: run::RunArguments,
}

#[derive(Subcommand)]
enum Command {
    /// Run scenarios against an implementation and judge it (the default)
    #[command(
        after_help = "Example:\n  conformance run --manifest mine.toml --component user-service --report out"
    )]
    Run(Box<run::RunArguments>),
    /// List scenarios without running them
    #[command(after_help = "Example:\n  conformance list --clause HLT-4")]
    List(list::ListArguments),
    /// Check the features against catalogue and steps
    #[command(after_help = "Example:\n  conformance lint --features features")]
    Lint(lint::LintArguments),
    /// Print a clause and its scenarios
    #[command(after_help = "Example:\n  conformance explain USR-7")]
    Explain(explain::ExplainArguments),
    /// Say what this machine offers for each backend, and what to install
    #[command(after_help = "Example:\n  conformance doctor")]
    Doctor,
    /// Remove what runs left behind when the machine crashed or lost its container engine
    #[command(
        long_about = "Remove what runs left behind when the machine crashed or its container engine went away. Folders that `--keep` kept go as well; runs that are under way lose nothing.",
        after_help = "Example:\n  conformance clean"
    )]
    Clean,
    /// Print a commented manifest to start from
    #[command(after_help = "Example:\n  conformance init > conformance.toml")]
    Init,
    /// Run the mutants: every wrong program must be killed, every scenario must kill one
    #[command(after_help = "Example:\n  conformance self-check --clause USR-7")]
    SelfCheck(Box<self_check::SelfCheckArguments>),
    /// Clean up after the run that holds the other end of standard input
    #[command(hide = true)]
    Watchdog,
    /// Run a program in a network of its own, and write down who connects to some ports of it
    #[command(hide = true)]
    OwnNetwork(OwnNetworkArguments),
}

impl Command {
    fn may_use_containers(&self) -> bool {
        matches!(
            self,
            Self::Run(_) | Self::SelfCheck(_) | Self::Doctor | Self::Clean
        )
    }
}

/// Restarts this program with `DOCKER_HOST` set, if the library that starts containers would use another engine
/// than docker's client: the library reads neither contexts nor podman's sockets.
fn restart_for_engine() {
    let raw = std::env::var("DOCKER_HOST").ok();
    let Some(host) = engine_host::address_for_restart(&Host::local(), raw.as_deref()) else {
        return;
    };
    let mut arguments = std::env::args_os();
    let mut again = process::Command::new("/proc/self/exe");
    if let Some(name) = arguments.next() {
        again.arg0(name);
    }
    // It returns only if it fails; then the library uses its default engine.
    let _ = again.args(arguments).env("DOCKER_HOST", host).exec();
}

/// What runs in a network of its own.
#[derive(Args)]
struct OwnNetworkArguments {
    #[arg(long)]
    record: PathBuf,
    #[arg(long)]
    port: Vec<u16>,
    #[arg(long)]
    health_port: u16,
    #[arg(last = true)]
    command: Vec<OsString>,
}

/// Where the features come from.
#[derive(Args, Clone, Debug, Default)]
pub struct FeatureArguments {
    /// Read the features from this folder instead of those inside the program
    #[arg(long, value_name = "DIR")]
    pub features: Option<PathBuf>,
}

/// Parses the arguments, does what they say, and answers the exit status.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    descriptors::raise_limit();
    let command = arguments
        .command
        .unwrap_or_else(|| Command::Run(Box::new(arguments.run)));
    if command.may_use_containers() {
        restart_for_engine();
    }
    let done = match command {
        Command::Run(arguments) => run::main(&arguments),
        Command::List(arguments) => list::main(&arguments),
        Command::Lint(arguments) => lint::main(&arguments),
        Command::Explain(arguments) => explain::main(&arguments),
        Command::Clean => clean::main(),
        Command::Doctor => doctor::main(),
        Command::Init => init::main(),
        Command::SelfCheck(arguments) => self_check::main(&arguments),
        Command::Watchdog => return watchdog::watchdog_main(),
        Command::OwnNetwork(arguments) => {
            let own_network = OwnNetwork {
                record: arguments.record,
                ports: arguments.port,
                health_port: arguments.health_port,
                command: arguments.command,
            };
            return own_network.main();
        }
    };
    match done {
        Ok(status) => ExitCode::from(status),
        Err(error) if error.is::<Interrupted>() => {
            eprintln!("error: {error}");
            ExitCode::from(INTERRUPTED)
        }
        // `conformance lint | head`: the reader has closed the pipe, so the output may be incomplete.
        Err(error) if is_closed_pipe(&error) => ExitCode::from(UNABLE),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(UNABLE)
        }
    }
}

/// Prints a text. A closed pipe is not an error: `conformance list | head`.
fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        printed => printed,
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let cause = error.downcast_ref::<io::Error>();
    cause.is_some_and(|it| it.kind() == io::ErrorKind::BrokenPipe)
}
