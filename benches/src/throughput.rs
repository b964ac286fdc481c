//! Throughput of concurrent callers: calls per second, and per second of CPU time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use criterion::{Criterion, SamplingMode, Throughput};
use futures::future::{BoxFuture, FutureExt as _, join_all};
use uuid::Uuid;

use crate::calls;
use crate::cpu_time::{CpuSnapshot, CpuUsage, Process};
use crate::fixture::Fixture;
use crate::table::{Quantity, Row, Table};

/// Numbers of concurrent callers.
pub const CALLERS: [u64; 3] = [1, 16, 128];

/// One operation of a workload; takes the number of the operation.
pub type Workload = Arc<dyn Fn(u64) -> BoxFuture<'static, anyhow::Result<()>> + Send + Sync>;

/// Measures `GetUser` and `CreateUser`.
pub fn bench(criterion: &mut Criterion, fixture: &Fixture, table: &mut Table) {
    let ids: Arc<[Uuid]> = fixture.ids.clone().into();
    let (client, statements, get_ids) = (
        fixture.client.clone(),
        fixture.statements.clone(),
        ids.clone(),
    );
    let get: [Workload; 2] = [
        Arc::new(move |n| {
            let (client, id) = (client.clone(), pick_id(&get_ids, n));
            async move { calls::get(&client, id).await }.boxed()
        }),
        Arc::new(move |n| {
            let (statements, id) = (statements.clone(), pick_id(&ids, n));
            async move { statements.get(id).await }.boxed()
        }),
    ];
    let (client, statements) = (fixture.client.clone(), fixture.statements.clone());
    let create: [Workload; 2] = [
        Arc::new(move |_| {
            let client = client.clone();
            async move { calls::create(&client, "").await }.boxed()
        }),
        Arc::new(move |_| {
            let statements = statements.clone();
            async move { statements.create().await }.boxed()
        }),
    ];
    for callers in CALLERS {
        let target = if callers == 16 { "at least 0.5" } else { "" };
        compare(
            criterion,
            fixture,
            table,
            ("GetUser", callers, target),
            &get,
        );
    }
    for callers in CALLERS {
        let target = if callers == 16 { "at least 0.4" } else { "" };
        compare(
            criterion,
            fixture,
            table,
            ("CreateUser", callers, target),
            &create,
        );
    }
}

/// Picks one of these ids by number.
pub fn pick_id(ids: &[Uuid], number: u64) -> Uuid {
    ids[usize::try_from(number).unwrap_or_default() % ids.len()]
}

/// Measures calls and plain statements alternately.
fn compare(
    criterion: &mut Criterion,
    fixture: &Fixture,
    table: &mut Table,
    (name, callers, target): (&str, u64, &'static str),
    workloads: &[Workload; 2],
) {
    let workload = format!("{name}, {callers} concurrent");
    let Some([calls, statements]) =
        measure_alternately(criterion, fixture, &workload, callers, workloads)
    else {
        return;
    };
    let mut add = |metric, subject, base, target| {
        table.add(Row {
            workload: workload.clone(),
            metric,
            subject: Quantity::Rate(subject),
            baseline: "plain statement",
            baseline_value: Quantity::Rate(base),
            target,
        });
    };
    add("calls per second", calls.rate(), statements.rate(), target);
    // A plain statement uses only the CPU time of the database, as there is no service.
    let subject = calls.cpu_rate(&[Process::UserService, Process::Database]);
    let base = statements.cpu_rate(&[Process::Database]);
    add("calls per CPU second", subject, base, "");
}

/// Runs each workload with this many concurrent callers, one round of each in turn. Criterion gets the durations
/// of the first. Returns `None` if Criterion's filter excluded the bench.
pub fn measure_alternately<const N: usize>(
    criterion: &mut Criterion,
    fixture: &Fixture,
    workload: &str,
    callers: u64,
    workloads: &[Workload; N],
) -> Option<[Measurement; N]> {
    let mut totals = std::array::from_fn(|_| Measurement::default());
    let mut group = criterion.benchmark_group(workload);
    group.sampling_mode(SamplingMode::Flat);
    group.throughput(Throughput::Elements(1));
    group.bench_function("calls", |bencher| {
        bencher.iter_custom(|number| {
            fixture.runtime.block_on(async {
                let mut durations = Vec::new();
                for (total, operation) in totals.iter_mut().zip(workloads) {
                    durations.push(total.run_round(fixture, callers, number, operation).await);
                }
                durations[0]
            })
        });
    });
    group.finish();
    (totals[0].number > 0).then_some(totals)
}

/// The operations of all rounds of a workload, with their duration and CPU time.
#[derive(Default)]
pub struct Measurement {
    number: u64,
    time: Duration,
    cpu: CpuUsage,
}

impl Measurement {
    /// Runs `number` operations with concurrent callers; returns the duration of the round.
    async fn run_round(
        &mut self,
        fixture: &Fixture,
        callers: u64,
        number: u64,
        workload: &Workload,
    ) -> Duration {
        let before = CpuSnapshot::take(fixture).await;
        let started = Instant::now();
        let next = Arc::new(AtomicU64::new(0));
        let tasks = (0..callers).map(|_| {
            let (next, workload) = (next.clone(), workload.clone());
            tokio::spawn(async move {
                loop {
                    let mine = next.fetch_add(1, Ordering::Relaxed);
                    if mine >= number {
                        return;
                    }
                    workload(mine).await.expect("a measured operation succeeds");
                }
            })
        });
        for ended in join_all(tasks).await {
            ended.expect("no caller panics");
        }
        let time = started.elapsed();
        self.time += time;
        self.number += number;
        self.cpu += CpuSnapshot::take(fixture).await.since(&before);
        time
    }

    /// Operations per second.
    pub fn rate(&self) -> f64 {
        self.per(self.time)
    }

    /// Operations per second of the CPU time of these processes.
    fn cpu_rate(&self, processes: &[Process]) -> f64 {
        self.per(self.cpu.total(processes))
    }

    /// The CPU time of these processes for one operation.
    pub fn cpu_time(&self, processes: &[Process]) -> Duration {
        Duration::from_secs_f64(1.0 / self.cpu_rate(processes))
    }

    #[expect(clippy::cast_precision_loss, reason = "for a rate of four digits")]
    fn per(&self, time: Duration) -> f64 {
        self.number as f64 / time.as_secs_f64()
    }
}
