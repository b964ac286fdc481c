//! `conformance doctor`: what this machine offers for each backend.

use conformance_engine::backends;

pub fn main() -> anyhow::Result<u8> {
    let runtime = tokio::runtime::Runtime::new()?;
    let surveys = runtime.block_on(backends::survey());
    let mut missing = false;
    for survey in surveys {
        missing |= !survey.usable();
        println!("{survey}");
    }
    Ok(if missing { super::UNABLE } else { 0 })
}
