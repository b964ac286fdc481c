//! The time from the start of the process to ready, compared with the server of the empty call.

use std::time::Duration;

use criterion::Criterion;

use crate::fixture::Fixture;
use crate::server::Server;
use crate::table::Table;
use crate::times::Times;

/// Measures both alternately.
pub fn bench(criterion: &mut Criterion, fixture: &Fixture, table: &mut Table) {
    let (mut subjects, mut baselines) = (Times::default(), Times::default());
    criterion.bench_function("start", |bencher| {
        bencher.iter_custom(|iterations| {
            fixture.runtime.block_on(async {
                let mut spent = Duration::ZERO;
                for _ in 0..iterations {
                    spent += subjects.of(subject(fixture)).await;
                    baselines.of(baseline(fixture)).await;
                }
                spent
            })
        });
    });
    let baseline = ("empty server", &baselines);
    table.add_quantile("start to ready", ("p50", 0.5), &subjects, baseline, "");
}

async fn subject(fixture: &Fixture) -> anyhow::Result<()> {
    let server = Server::subject(&fixture.sandbox, &fixture.program, &fixture.settings)?;
    server.ready().await
}

async fn baseline(fixture: &Fixture) -> anyhow::Result<()> {
    let server = Server::baseline(&fixture.sandbox)?;
    server.connect().await?;
    Ok(())
}
