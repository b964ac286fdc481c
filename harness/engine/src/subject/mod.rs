//! The implementation under test: how it is started, its instances and their output.
//!
//! - [`control`]: which controls each kind of subject offers
//! - [`output`]: the captured output of a program, bounded
//! - [`launch`]: what to start, and errors of starting it
//! - [`instance`]: one running process and its group
//! - [`interface`]: the trait of every kind of subject
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

/// Creates the subject of a component from the manifest.
pub fn create_subject(
    manifest: &Manifest,
    component: &str,
    sandbox: &Sandbox,
) -> StepResult<Box<dyn Subject>> {
    let source = manifest.components.get(component);
    let source =
        source.ok_or_else(|| Failure::broken(format!("the manifest has no {component}")))?;
    // Manifests with an image or an endpoint are refused when they are parsed.
    Ok(Box::new(ProcessSubject::new(
        component, source, manifest, sandbox,
    )))
}
