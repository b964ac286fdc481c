//! A subject that is a program of this machine: the manifest's `command`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::control::SubjectKind;
use super::instance::{Instance, StartCause, StartError};
use super::interface::{Command, Subject};
use super::launch::Launch;
use crate::failure::{Failure, StepResult};
use crate::manifest::{ComponentCommand, Manifest};
use crate::sandbox::Sandbox;

/// One component of a manifest, as a program of this machine.
#[derive(Clone, Debug)]
pub struct ProcessSubject {
    /// The component's name.
    name: String,
    component: ComponentCommand,
    /// The manifest's folder: relative paths are relative to it, and it is the working folder.
    folder: PathBuf,
    sandbox: Sandbox,
}

impl ProcessSubject {
    /// A subject that starts the command of a component of the manifest.
    pub fn new(
        name: &str,
        component: &ComponentCommand,
        manifest: &Manifest,
        sandbox: &Sandbox,
    ) -> Self {
        Self {
            name: name.to_owned(),
            component: component.clone(),
            folder: manifest.folder.clone(),
            sandbox: sandbox.clone(),
        }
    }

    fn launch(&self, command: &Command) -> StepResult<Launch> {
        let (program, first) = self
            .component
            .command
            .split_first()
            .ok_or_else(|| Failure::broken("the manifest's command is empty"))?;
        // A name without `/` is looked up in PATH; a path is relative to the manifest.
        let program = if program.contains('/') {
            self.folder.join(program)
        } else {
            Path::new(program).to_path_buf()
        };
        let args = first.iter().chain(&command.arguments).cloned();
        let (program, args) = match command.launcher.split_first() {
            None => (program, args.collect()),
            Some((launcher, options)) => {
                let program = program.to_string_lossy().into_owned();
                let options = options.iter().cloned().chain([program]);
                (PathBuf::from(launcher), options.chain(args).collect())
            }
        };
        Ok(Launch {
            name: command.name.clone(),
            program,
            args,
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
        let inherited = self.component.inherit.iter().map(String::as_str);
        for name in ["PATH", "HOME"].into_iter().chain(inherited) {
            if let Ok(value) = std::env::var(name) {
                environment.insert(name.to_owned(), value);
            }
        }
        let folder = self
            .sandbox
            .folder
            .subfolder("tmp")
            .map_err(Failure::broken)?;
        environment.insert("TMPDIR".to_owned(), folder.to_string_lossy().into_owned());
        environment.insert("LANG".to_owned(), "C.UTF-8".to_owned());
        // The manifest's variables override the ones above.
        environment.extend(self.component.env.clone());
        Ok(environment)
    }

    fn check(&self) -> anyhow::Result<()> {
        let command = Command {
            name: self.name.clone(),
            arguments: Vec::new(),
            environment: self.environment()?,
            launcher: Vec::new(),
        };
        Ok(self.launch(&command)?.check()?)
    }

    fn start(&self, command: &Command) -> StepResult<Instance> {
        Instance::start(&self.launch(command)?, &self.sandbox.watchdog).map_err(start_failure)
    }
}

/// The failure of a program that did not start: an error of the suite if processes or descriptors are exhausted.
fn start_failure(error: StartError) -> Failure {
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
    fn a_program_that_cannot_start_because_processes_are_exhausted_is_an_error() {
        let full = StartCause::Exhausted(io::Error::from_raw_os_error(nix::libc::EAGAIN));
        assert!(matches!(start_failure(error(full)), Failure::Broken { .. }));
        let absent = start_failure(error(StartCause::NotFound));
        assert!(matches!(absent, Failure::Mismatch { .. }));
    }
}
