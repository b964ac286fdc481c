//! What the service holds after very many calls: only if `BENCHES_MEMORY_CALLS` says how many.

use std::env;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context as _;
use futures::future::try_join_all;

use crate::calls;
use crate::stage::Stage;
use crate::table::{Row, Table, Value};

/// The variable; a million takes some minutes.
const CALLS: &str = "BENCHES_MEMORY_CALLS";

/// How many call at once.
const CALLERS: usize = 16;

/// Compares resident memory at the end with that after a tenth of the calls.
pub fn measure(stage: &Stage, table: &mut Table) -> anyhow::Result<()> {
    let Ok(text) = env::var(CALLS) else {
        return Ok(());
    };
    let number: u64 = text.parse().with_context(|| format!("{CALLS}={text}"))?;
    let early = number / 10;
    let after = |number| -> anyhow::Result<u64> {
        stage.runtime.block_on(call(stage, number))?;
        stage.subject.process.memory().context("the subject ended")
    };
    let base = after(early)?;
    let subject = after(number - early)?;
    table.add(Row {
        what: format!("memory after {number} GetUser"),
        figure: "resident",
        subject: Value::Bytes(subject),
        floor: "after a tenth of them",
        base: Value::Bytes(base),
        wanted: "flat",
    });
    Ok(())
}

async fn call(stage: &Stage, number: u64) -> anyhow::Result<()> {
    let next = AtomicU64::new(0);
    let caller = async || {
        loop {
            let mine = next.fetch_add(1, Ordering::Relaxed);
            if mine >= number {
                return anyhow::Ok(());
            }
            calls::get(&stage.client, stage.id(mine)).await?;
        }
    };
    try_join_all((0..CALLERS).map(|_| caller())).await?;
    Ok(())
}
