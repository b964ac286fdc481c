//! Concurrent callers: calls a second, and calls for each second of processor time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use criterion::{Criterion, SamplingMode, Throughput};
use futures::future::{BoxFuture, FutureExt as _, join_all};
use uuid::Uuid;

use crate::calls;
use crate::fixture::Fixture;
use crate::processors::{Clocks, Spent, Who};
use crate::table::{Row, Table, Value};

/// Numbers of concurrent callers.
pub const CALLERS: [u64; 3] = [1, 16, 128];

/// What a caller does in one call, given the number of the call.
pub type Workload = Arc<dyn Fn(u64) -> BoxFuture<'static, anyhow::Result<()>> + Send + Sync>;

/// Measures `GetUser` and `CreateUser`.
pub fn bench(criterion: &mut Criterion, fixture: &Fixture, table: &mut Table) {
    let ids: Arc<[Uuid]> = fixture.ids.clone().into();
    let (client, statements, known) = (
        fixture.client.clone(),
        fixture.statements.clone(),
        ids.clone(),
    );
    let get: [Workload; 2] = [
        Arc::new(move |n| {
            let (client, id) = (client.clone(), nth(&known, n));
            async move { calls::get(&client, id).await }.boxed()
        }),
        Arc::new(move |n| {
            let (statements, id) = (statements.clone(), nth(&ids, n));
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
        let wanted = if callers == 16 { "at least 0.5" } else { "" };
        compare(
            criterion,
            fixture,
            table,
            ("GetUser", callers, wanted),
            &get,
        );
    }
    for callers in CALLERS {
        let wanted = if callers == 16 { "at least 0.4" } else { "" };
        compare(
            criterion,
            fixture,
            table,
            ("CreateUser", callers, wanted),
            &create,
        );
    }
}

/// One of these ids; consecutive numbers get different ones.
pub fn nth(ids: &[Uuid], number: u64) -> Uuid {
    ids[usize::try_from(number).unwrap_or_default() % ids.len()]
}

/// Measures calls and plain statements alternately, in rounds.
fn compare(
    criterion: &mut Criterion,
    fixture: &Fixture,
    table: &mut Table,
    (name, callers, wanted): (&str, u64, &'static str),
    workloads: &[Workload; 2],
) {
    let what = format!("{name}, {callers} at once");
    let Some([calls, statements]) = in_turn(criterion, fixture, &what, callers, workloads) else {
        return;
    };
    let mut add = |figure, subject, base, wanted| {
        table.add(Row {
            what: what.clone(),
            figure,
            subject: Value::Rate(subject),
            baseline: "plain statement",
            base: Value::Rate(base),
            wanted,
        });
    };
    add("calls a second", calls.rate(), statements.rate(), wanted);
    // For a plain statement only the connections count, as there is no service.
    let subject = calls.core_rate(&[Who::UserService, Who::Database]);
    let base = statements.core_rate(&[Who::Database]);
    add("calls a core second", subject, base, "");
}

/// Runs these workloads alternately, a round each, with `callers` concurrent callers; Criterion gets the first.
/// `None` if Criterion's filter excludes this bench.
pub fn in_turn<const N: usize>(
    criterion: &mut Criterion,
    fixture: &Fixture,
    what: &str,
    callers: u64,
    workloads: &[Workload; N],
) -> Option<[Total; N]> {
    let mut totals = std::array::from_fn(|_| Total::default());
    let mut group = criterion.benchmark_group(what);
    group.sampling_mode(SamplingMode::Flat);
    group.throughput(Throughput::Elements(1));
    group.bench_function("calls", |bencher| {
        bencher.iter_custom(|number| {
            fixture.runtime.block_on(async {
                let mut spent = Vec::new();
                for (total, workload) in totals.iter_mut().zip(workloads) {
                    spent.push(total.round(fixture, callers, number, workload).await);
                }
                spent[0]
            })
        });
    });
    group.finish();
    (totals[0].number > 0).then_some(totals)
}

/// The sums over all rounds of one workload.
#[derive(Default)]
pub struct Total {
    number: u64,
    time: Duration,
    cpu: Spent,
}

impl Total {
    /// Lets `callers` make `number` calls in all; returns how long that took.
    async fn round(
        &mut self,
        fixture: &Fixture,
        callers: u64,
        number: u64,
        workload: &Workload,
    ) -> Duration {
        let before = Clocks::read(fixture).await;
        let begun = Instant::now();
        let next = Arc::new(AtomicU64::new(0));
        let tasks = (0..callers).map(|_| {
            let (next, workload) = (next.clone(), workload.clone());
            tokio::spawn(async move {
                loop {
                    let mine = next.fetch_add(1, Ordering::Relaxed);
                    if mine >= number {
                        return;
                    }
                    workload(mine).await.expect("the measured call succeeds");
                }
            })
        });
        for ended in join_all(tasks).await {
            ended.expect("no caller panics");
        }
        let time = begun.elapsed();
        self.time += time;
        self.number += number;
        self.cpu += Clocks::read(fixture).await.since(&before);
        time
    }

    /// Calls a second.
    pub fn rate(&self) -> f64 {
        self.per(self.time)
    }

    /// Calls for each second of processor time of these processes.
    fn core_rate(&self, who: &[Who]) -> f64 {
        self.per(self.cpu.of(who))
    }

    /// The processor time of these processes for one call.
    pub fn cpu(&self, who: &[Who]) -> Duration {
        Duration::from_secs_f64(1.0 / self.core_rate(who))
    }

    #[expect(clippy::cast_precision_loss, reason = "for a rate of four digits")]
    fn per(&self, time: Duration) -> f64 {
        self.number as f64 / time.as_secs_f64()
    }
}
