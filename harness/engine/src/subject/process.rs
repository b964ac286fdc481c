//! A subject that is a program of this machine: the manifest's `command`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::control::SubjectKind;
use super::instance::{Instance, StartCause, StartError};
use super::interface::{Command, Subject};
use super::launch::Launch;
use crate::failure::{Failure, StepResult};
use crate::manifest::{ComponentSource, Manifest};
use crate::sandbox::Sandbox;

/// One component of a manifest, as a program of this machine.
#[derive(Clone, Debug)]
pub struct ProcessSubject {
    /// The component.
    name: String,
    source: ComponentSource,
    /// Where relative paths start, and the working folder.
    folder: PathBuf,
    sandbox: Sandbox,
}

impl ProcessSubject {
    /// The program that the manifest names for a component.
    pub fn new(
        name: &str,
        source: &ComponentSource,
        manifest: &Manifest,
        sandbox: &Sandbox,
    ) -> Self {
        Self {
            name: name.to_owned(),
            source: source.clone(),
            folder: manifest.folder.clone(),
            sandbox: sandbox.clone(),
        }
    }

    fn launch(&self, command: &Command) -> StepResult<Launch> {
        let (program, first) = self
            .source
            .command
            .split_first()
            .ok_or_else(|| Failure::broken("the manifest's command is empty"))?;
        // A bare name is looked up in PATH; a path is relative to the manifest.
        let program = if program.contains('/') {
            self.folder.join(program)
        } else {
            Path::new(program).to_path_buf()
        };
        Ok(Launch {
            name: command.name.clone(),
            program,
            args: first.iter().chain(&command.arguments).cloned().collect(),
            dir: self.folder.clone(),
            env: command.environment.clone(),
        })
    }
}

impl Subject for ProcessSubject {
    fn kind(&self) -> SubjectKind {
        SubjectKind::Process
    }

    fn environment(&self) -> StepResult<BTreeMap<String, String>> {
        let mut environment = BTreeMap::new();
        let inherited = self.source.inherit.iter().map(String::as_str);
        for name in ["PATH", "HOME"].into_iter().chain(inherited) {
            if let Ok(value) = std::env::var(name) {
                environment.insert(name.to_owned(), value);
            }
        }
        let folder = self.sandbox.folder.sub("tmp").map_err(Failure::broken)?;
        environment.insert("TMPDIR".to_owned(), folder.to_string_lossy().into_owned());
        environment.insert("LANG".to_owned(), "C.UTF-8".to_owned());
        // What the manifest says wins.
        environment.extend(self.source.env.clone());
        Ok(environment)
    }

    fn check(&self) -> anyhow::Result<()> {
        let command = Command {
            name: self.name.clone(),
            arguments: Vec::new(),
            environment: self.environment()?,
        };
        Ok(self.launch(&command)?.check()?)
    }

    fn start(&self, command: &Command) -> StepResult<Instance> {
        Instance::start(&self.launch(command)?, &self.sandbox.watchdog).map_err(unstarted)
    }
}

/// A machine without a process or a descriptor left is not a fault of the program.
fn unstarted(error: StartError) -> Failure {
    match error.cause {
        StartCause::Exhausted(_) => Failure::broken(error),
        _ => Failure::mismatch("a program that starts", error),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn error(cause: StartCause) -> StartError {
        StartError {
            name: "shop #1".to_owned(),
            program: "./shop".to_owned(),
            cause,
        }
    }

    #[test]
    fn a_machine_that_has_no_process_left_is_not_the_program_s_fault() {
        let full = StartCause::Exhausted(io::Error::from_raw_os_error(nix::libc::EAGAIN));
        assert!(matches!(unstarted(error(full)), Failure::Broken { .. }));
        let absent = unstarted(error(StartCause::NotFound));
        assert!(matches!(absent, Failure::Mismatch { .. }));
    }
}
