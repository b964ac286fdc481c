//! From the start of the process to ready, beside that of the server of the empty call.

use std::time::Duration;

use criterion::Criterion;

use crate::server::Server;
use crate::stage::Stage;
use crate::table::Table;
use crate::times::Times;

/// Measures both, in turn.
pub fn bench(criterion: &mut Criterion, stage: &Stage, table: &mut Table) {
    let (mut subjects, mut floors) = (Times::default(), Times::default());
    criterion.bench_function("start", |bencher| {
        bencher.iter_custom(|iterations| {
            stage.runtime.block_on(async {
                let mut spent = Duration::ZERO;
                for _ in 0..iterations {
                    spent += subjects.of(subject(stage)).await;
                    floors.of(floor(stage)).await;
                }
                spent
            })
        });
    });
    let floor = ("empty server", &floors);
    table.add_quantile("start to ready", ("p50", 0.5), &subjects, floor, "");
}

async fn subject(stage: &Stage) -> anyhow::Result<()> {
    let server = Server::subject(&stage.home, &stage.program, &stage.settings)?;
    server.ready().await
}

async fn floor(stage: &Stage) -> anyhow::Result<()> {
    let server = Server::floor(&stage.home)?;
    server.connect().await?;
    Ok(())
}
