//! `conformance doctor`: what this machine offers for each backend.

use std::io::Write as _;

use conformance_engine::backends;

pub fn main() -> anyhow::Result<u8> {
    let mut out = std::io::stdout().lock();
    let runtime = tokio::runtime::Runtime::new()?;
    let surveys = runtime.block_on(backends::survey());
    let mut missing = false;
    for survey in surveys {
        missing |= !survey.is_usable();
        writeln!(out, "{survey}")?;
    }
    Ok(if missing { super::UNABLE } else { 0 })
}
