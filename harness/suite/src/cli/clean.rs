//! `conformance clean`: removes what earlier runs left.

use std::io::Write as _;

use conformance_engine::sandbox::watchdog;

pub fn main() -> anyhow::Result<u8> {
    let runtime = tokio::runtime::Runtime::new()?;
    let cleaned = runtime.block_on(watchdog::clean());
    let mut out = std::io::stdout().lock();
    for what in &cleaned.removed {
        writeln!(out, "removed {what}")?;
    }
    if cleaned.removed.is_empty() {
        writeln!(out, "nothing was left")?;
    }
    for what in &cleaned.left {
        writeln!(out, "not removed: {what}")?;
    }
    Ok(0)
}
