//! `conformance clean`: removes what earlier runs left.

use std::fmt::Write as _;

use conformance_engine::sandbox::watchdog;

pub fn main() -> anyhow::Result<u8> {
    let runtime = tokio::runtime::Runtime::new()?;
    let cleaned = runtime.block_on(watchdog::clean());
    let mut out = String::new();
    for what in &cleaned.removed {
        writeln!(out, "removed {what}")?;
    }
    if cleaned.removed.is_empty() {
        writeln!(out, "nothing was left")?;
    }
    for what in &cleaned.left {
        writeln!(out, "not removed: {what}")?;
    }
    super::print(&out)?;
    Ok(0)
}
