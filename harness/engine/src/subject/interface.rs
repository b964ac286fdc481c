//! The trait of every kind of subject.

use std::collections::BTreeMap;

use super::control::{Control, SubjectKind};
use super::instance::Instance;
use crate::failure::{Failure, StepResult};

/// One component of an implementation under test.
///
/// A kind of subject overrides the methods of the controls that it offers; the default methods fail with the error
/// of [`Control::require`].
pub trait Subject: Send + Sync {
    /// The kind of subject.
    fn kind(&self) -> SubjectKind;

    /// The environment of every instance, without the contract's settings.
    fn environment(&self) -> StepResult<BTreeMap<String, String>> {
        Err(not_offered(Control::Start, self.kind()))
    }

    /// Checks that the component can be started; the error describes what is wrong with the manifest.
    fn check(&self) -> anyhow::Result<()> {
        Ok(())
    }

    /// Starts an instance of the service or another command of the program. Must be called within a Tokio runtime.
    fn start(&self, _command: &Command) -> StepResult<Instance> {
        Err(not_offered(Control::Start, self.kind()))
    }
}

/// Name, arguments and environment of a process of the subject.
#[derive(Clone, Debug)]
pub struct Command {
    /// The instance's name in messages: `user-service #1`.
    pub name: String,
    /// Arguments that follow those of the manifest.
    pub arguments: Vec<String>,
    /// The complete environment: no other variables are inherited.
    pub environment: BTreeMap<String, String>,
    /// A program with its arguments that starts the manifest's command, which follows them; empty for none.
    pub launcher: Vec<String>,
}

/// The error of a default method.
fn not_offered(control: Control, kind: SubjectKind) -> Failure {
    match control.require(kind) {
        Err(failure) => failure,
        Ok(()) => Failure::broken(format!("a subject of kind {kind} cannot {control} yet")),
    }
}
