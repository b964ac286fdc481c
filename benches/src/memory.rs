//! Memory of the user service after very many calls; runs only if `BENCHES_MEMORY_CALLS` is set.

use std::env;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context as _;
use futures::future::try_join_all;

use crate::calls;
use crate::fixture::Fixture;
use crate::table::{Quantity, Row, Table};

/// The variable with the number of calls; a million takes some minutes.
const CALLS_VARIABLE: &str = "BENCHES_MEMORY_CALLS";

/// The number of concurrent callers.
const CALLERS: usize = 16;

/// Compares the resident memory after all calls with that after a tenth of them.
pub fn measure(fixture: &Fixture, table: &mut Table) -> anyhow::Result<()> {
    let Ok(text) = env::var(CALLS_VARIABLE) else {
        return Ok(());
    };
    let number: u64 = text
        .parse()
        .with_context(|| format!("{CALLS_VARIABLE}={text}"))?;
    let early = number / 10;
    let memory_after = |number| -> anyhow::Result<u64> {
        fixture.runtime.block_on(make_calls(fixture, number))?;
        fixture
            .subject
            .process
            .memory()
            .context("the user service has ended")
    };
    let base = memory_after(early)?;
    let subject = memory_after(number - early)?;
    table.add(Row {
        workload: format!("memory after {number} GetUser"),
        metric: "resident",
        subject: Quantity::Bytes(subject),
        baseline: "after a tenth of the calls",
        baseline_value: Quantity::Bytes(base),
        target: "flat",
    });
    Ok(())
}

async fn make_calls(fixture: &Fixture, number: u64) -> anyhow::Result<()> {
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
