//! Time from the start of the user service until it is ready, compared with the start of the baseline server.

use std::time::Duration;

use criterion::Criterion;

use crate::fixture::Fixture;
use crate::latencies::Latencies;
use crate::server::Server;
use crate::table::Table;

/// Measures the starts of both servers alternately.
pub fn bench(criterion: &mut Criterion, fixture: &Fixture, table: &mut Table) {
    let (mut subjects, mut baselines) = (Latencies::default(), Latencies::default());
    criterion.bench_function("start", |bencher| {
        bencher.iter_custom(|iterations| {
            fixture.runtime.block_on(async {
                let mut spent = Duration::ZERO;
                for _ in 0..iterations {
                    spent += subjects.measure(start_subject(fixture)).await;
                    baselines.measure(start_baseline(fixture)).await;
                }
                spent
            })
        });
    });
    let baseline = ("baseline server", &baselines);
    table.add_quantile("start to ready", ("p50", 0.5), &subjects, baseline, "");
}

async fn start_subject(fixture: &Fixture) -> anyhow::Result<()> {
    let server = Server::start_user_service(&fixture.sandbox, &fixture.program, &fixture.settings)?;
    server.wait_until_ready().await
}

async fn start_baseline(fixture: &Fixture) -> anyhow::Result<()> {
    let server = Server::start_baseline(&fixture.sandbox)?;
    server.connect().await?;
    Ok(())
}
