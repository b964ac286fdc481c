//! The memory of the service after very many calls: only if `BENCHES_MEMORY_CALLS` gives their number.

use std::env;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context as _;
use futures::future::try_join_all;

use crate::calls;
use crate::fixture::Fixture;
use crate::table::{Row, Table, Value};

/// The variable with the number of calls; a million takes some minutes.
const CALLS: &str = "BENCHES_MEMORY_CALLS";

/// The number of concurrent callers.
const CALLERS: usize = 16;

/// Compares resident memory at the end with that after a tenth of the calls.
pub fn measure(fixture: &Fixture, table: &mut Table) -> anyhow::Result<()> {
    let Ok(text) = env::var(CALLS) else {
        return Ok(());
    };
    let number: u64 = text.parse().with_context(|| format!("{CALLS}={text}"))?;
    let early = number / 10;
    let after = |number| -> anyhow::Result<u64> {
        fixture.runtime.block_on(call(fixture, number))?;
        fixture
            .subject
            .process
            .memory()
            .context("the subject ended")
    };
    let base = after(early)?;
    let subject = after(number - early)?;
    table.add(Row {
        what: format!("memory after {number} GetUser"),
        figure: "resident",
        subject: Value::Bytes(subject),
        baseline: "after a tenth of them",
        base: Value::Bytes(base),
        wanted: "flat",
    });
    Ok(())
}

async fn call(fixture: &Fixture, number: u64) -> anyhow::Result<()> {
    let next = AtomicU64::new(0);
    let caller = async || {
        loop {
            let mine = next.fetch_add(1, Ordering::Relaxed);
            if mine >= number {
                return anyhow::Ok(());
            }
            calls::get(&fixture.client, fixture.id(mine)).await?;
        }
    };
    try_join_all((0..CALLERS).map(|_| caller())).await?;
    Ok(())
}
