//! The implementation under test, behind one trait: its instances and their output.
//!
//! - [`control`]: which controls each kind of subject gives
//! - [`output`]: what a program writes, bounded
//! - [`launch`]: what is started, and why it was not
//! - [`instance`]: one running process and its group
//! - [`interface`]: what every kind of subject implements
//! - [`process`]: a subject that is a program of this machine

pub mod control;
pub mod instance;
pub mod interface;
pub mod launch;
pub mod output;
pub mod process;
#[cfg(test)]
mod tests;

pub use control::{Control, SubjectKind};
pub use interface::{Command, Subject};

use crate::failure::{Failure, StepResult};
use crate::manifest::Manifest;
use crate::sandbox::Sandbox;
use process::ProcessSubject;

/// The subject that the manifest names for a component.
pub fn subject(
    manifest: &Manifest,
    component: &str,
    sandbox: &Sandbox,
) -> StepResult<Box<dyn Subject>> {
    let source = manifest.components.get(component);
    let source =
        source.ok_or_else(|| Failure::broken(format!("the manifest has no {component}")))?;
    // A manifest of this version holds no image and no endpoint.
    Ok(Box::new(ProcessSubject::new(
        component, source, manifest, sandbox,
    )))
}
