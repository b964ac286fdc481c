//! What every kind of subject implements.

use std::collections::BTreeMap;

use super::control::{Control, SubjectKind};
use super::instance::Instance;
use crate::failure::{Failure, StepResult};

/// One component of an implementation under test.
///
/// What a kind of subject cannot do is refused by [`Control::require`], which the provided methods call:
/// an implementation overrides what its kind gives.
pub trait Subject: Send + Sync {
    /// How the suite gets at it.
    fn kind(&self) -> SubjectKind;

    /// What every instance is started with, before any setting of the contract.
    fn environment(&self) -> StepResult<BTreeMap<String, String>> {
        Err(refused(Control::Start, self.kind()))
    }

    /// Whether the manifest names something that can be started; else what is wrong with it.
    fn check(&self) -> anyhow::Result<()> {
        Ok(())
    }

    /// Starts an instance or another command of the program. Must be called within a runtime.
    fn start(&self, _command: &Command) -> StepResult<Instance> {
        Err(refused(Control::Start, self.kind()))
    }
}

/// What to start of a subject.
#[derive(Clone, Debug)]
pub struct Command {
    /// For messages: `user-service #1`.
    pub name: String,
    /// After those of the manifest.
    pub arguments: Vec<String>,
    /// The whole environment: nothing else is passed.
    pub environment: BTreeMap<String, String>,
}

fn refused(control: Control, kind: SubjectKind) -> Failure {
    match control.require(kind) {
        Err(failure) => failure,
        Ok(()) => Failure::broken(format!("a subject of kind {kind} cannot {control} yet")),
    }
}
