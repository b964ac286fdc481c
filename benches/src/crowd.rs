//! Many callers at once: calls a second, and for each second of processor time.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use criterion::{Criterion, SamplingMode, Throughput};
use futures::future::{BoxFuture, FutureExt as _, join_all};
use uuid::Uuid;

use crate::calls;
use crate::stage::Stage;
use crate::table::{Row, Table, Value};

/// How many call at once.
const CALLERS: [u64; 3] = [1, 16, 128];

/// What one caller does with the number of its call.
type Act = Arc<dyn Fn(u64) -> BoxFuture<'static, anyhow::Result<()>> + Send + Sync>;

/// Measures `GetUser` and `CreateUser`.
pub fn bench(criterion: &mut Criterion, stage: &Stage, table: &mut Table) {
    let ids: Arc<[Uuid]> = stage.ids.clone().into();
    let (client, bare, known) = (stage.client.clone(), stage.bare.clone(), ids.clone());
    let get: [Act; 2] = [
        Arc::new(move |n| {
            let (client, id) = (client.clone(), nth(&known, n));
            async move { calls::get(&client, id).await }.boxed()
        }),
        Arc::new(move |n| {
            let (bare, id) = (bare.clone(), nth(&ids, n));
            async move { bare.get(id).await }.boxed()
        }),
    ];
    let (client, bare) = (stage.client.clone(), stage.bare.clone());
    let create: [Act; 2] = [
        Arc::new(move |_| {
            let client = client.clone();
            async move { calls::create(&client, "").await }.boxed()
        }),
        Arc::new(move |_| {
            let bare = bare.clone();
            async move { bare.create().await }.boxed()
        }),
    ];
    for callers in CALLERS {
        let wanted = if callers == 16 { "at least 0.5" } else { "" };
        compare(criterion, stage, table, ("GetUser", callers, wanted), &get);
    }
    for callers in CALLERS {
        let wanted = if callers == 16 { "at least 0.4" } else { "" };
        compare(
            criterion,
            stage,
            table,
            ("CreateUser", callers, wanted),
            &create,
        );
    }
}

fn nth(ids: &[Uuid], number: u64) -> Uuid {
    ids[usize::try_from(number).unwrap_or_default() % ids.len()]
}

/// Measures calls and bare statements in turn, a round each.
fn compare(
    criterion: &mut Criterion,
    stage: &Stage,
    table: &mut Table,
    (name, callers, wanted): (&str, u64, &'static str),
    [call, bare]: &[Act; 2],
) {
    let what = format!("{name}, {callers} at once");
    let (mut calls, mut statements) = (Total::default(), Total::default());
    let mut group = criterion.benchmark_group(&what);
    group.sampling_mode(SamplingMode::Flat);
    group.throughput(Throughput::Elements(1));
    group.bench_function("calls", |bencher| {
        bencher.iter_custom(|number| {
            stage.runtime.block_on(async {
                let spent = calls.round(stage, callers, number, call).await;
                statements.round(stage, callers, number, bare).await;
                spent
            })
        });
    });
    group.finish();
    if calls.number > 0 {
        let mut add = |figure, subject, base, wanted| {
            table.add(Row {
                what: what.clone(),
                figure,
                subject: Value::Rate(subject),
                floor: "bare statement",
                base: Value::Rate(base),
                wanted,
            });
        };
        add("calls a second", calls.rate(), statements.rate(), wanted);
        add(
            "calls a core second",
            calls.core_rate(),
            statements.core_rate(),
            "",
        );
    }
}

/// What was done in all rounds.
#[derive(Default)]
struct Total {
    number: u64,
    time: Duration,
    cpu: Duration,
}

impl Total {
    /// Lets `callers` make `number` calls together; returns how long that took.
    async fn round(&mut self, stage: &Stage, callers: u64, number: u64, act: &Act) -> Duration {
        let before = processor_time(stage).await;
        let begun = Instant::now();
        let next = Arc::new(AtomicU64::new(0));
        let tasks = (0..callers).map(|_| {
            let (next, act) = (next.clone(), act.clone());
            tokio::spawn(async move {
                loop {
                    let mine = next.fetch_add(1, Ordering::Relaxed);
                    if mine >= number {
                        return;
                    }
                    act(mine).await.expect("what is measured works");
                }
            })
        });
        for ended in join_all(tasks).await {
            ended.expect("no caller panics");
        }
        let time = begun.elapsed();
        self.time += time;
        self.number += number;
        self.cpu += used(&before, &processor_time(stage).await);
        time
    }

    fn rate(&self) -> f64 {
        self.per(self.time)
    }

    fn core_rate(&self) -> f64 {
        self.per(self.cpu)
    }

    #[expect(clippy::cast_precision_loss, reason = "for a rate of four digits")]
    fn per(&self, time: Duration) -> f64 {
        self.number as f64 / time.as_secs_f64()
    }
}

/// Processor time by process: of the subject and of the database's connections. Of a bare
/// statement it is that of the connections, as there is no service.
async fn processor_time(stage: &Stage) -> BTreeMap<u32, Duration> {
    let backends = stage.bare.backends().await.expect("the database answers");
    let mut times: BTreeMap<u32, Duration> = backends
        .into_iter()
        .filter_map(|pid| u32::try_from(pid).ok())
        .filter_map(|pid| Some((pid, connection_time(pid)?)))
        .collect();
    let subject = &stage.subject.process;
    times.insert(subject.pid(), subject.cpu());
    times
}

/// A connection's process has one thread, whose time the kernel tells in nanoseconds.
fn connection_time(pid: u32) -> Option<Duration> {
    let text = fs::read_to_string(format!("/proc/{pid}/schedstat")).ok()?;
    let nanoseconds = text.split_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(nanoseconds))
}

/// A connection that was not there before has used all of its time since.
fn used(before: &BTreeMap<u32, Duration>, after: &BTreeMap<u32, Duration>) -> Duration {
    after
        .iter()
        .map(|(pid, time)| time.saturating_sub(before.get(pid).copied().unwrap_or_default()))
        .sum()
}
