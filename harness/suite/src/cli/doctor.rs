//! `conformance doctor`: what this machine offers for each backend.

use std::fmt::Write as _;

use conformance_engine::backends::{self, BackendSurvey};
use conformance_engine::sandbox::Sandbox;

pub fn main() -> anyhow::Result<u8> {
    let runtime = tokio::runtime::Runtime::new()?;
    let surveys = runtime.block_on(async {
        let sandbox = Sandbox::create(false)?;
        let surveys = backends::survey(&sandbox).await;
        sandbox.finish().await;
        anyhow::Ok(surveys)
    })?;
    let mut out = String::new();
    for survey in &surveys {
        writeln!(out, "{survey}")?;
    }
    super::print(&out)?;
    let is_usable = surveys.iter().all(BackendSurvey::is_usable);
    Ok(if is_usable { 0 } else { super::UNABLE })
}
