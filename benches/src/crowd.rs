//! Many callers at once: calls a second, and for each second of processor time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use criterion::{Criterion, SamplingMode, Throughput};
use futures::future::{BoxFuture, FutureExt as _, join_all};
use uuid::Uuid;

use crate::calls;
use crate::processors::{Clocks, Spent, Who};
use crate::stage::Stage;
use crate::table::{Row, Table, Value};

/// How many call at once.
pub const CALLERS: [u64; 3] = [1, 16, 128];

/// What one caller does with the number of its call.
pub type Act = Arc<dyn Fn(u64) -> BoxFuture<'static, anyhow::Result<()>> + Send + Sync>;

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

/// One of these ids, another for each number.
pub fn nth(ids: &[Uuid], number: u64) -> Uuid {
    ids[usize::try_from(number).unwrap_or_default() % ids.len()]
}

/// Measures calls and bare statements in turn, a round each.
fn compare(
    criterion: &mut Criterion,
    stage: &Stage,
    table: &mut Table,
    (name, callers, wanted): (&str, u64, &'static str),
    acts: &[Act; 2],
) {
    let what = format!("{name}, {callers} at once");
    let Some([calls, statements]) = in_turn(criterion, stage, &what, callers, acts) else {
        return;
    };
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
    // Of a bare statement it is the time of the connections alone, as there is no service.
    let subject = calls.core_rate(&[Who::UserService, Who::Database]);
    let base = statements.core_rate(&[Who::Database]);
    add("calls a core second", subject, base, "");
}

/// Lets `callers` do each of these together, in turn, a round each; the first is what Criterion sees.
/// None if its filter left this out.
pub fn in_turn<const N: usize>(
    criterion: &mut Criterion,
    stage: &Stage,
    what: &str,
    callers: u64,
    acts: &[Act; N],
) -> Option<[Total; N]> {
    let mut totals = std::array::from_fn(|_| Total::default());
    let mut group = criterion.benchmark_group(what);
    group.sampling_mode(SamplingMode::Flat);
    group.throughput(Throughput::Elements(1));
    group.bench_function("calls", |bencher| {
        bencher.iter_custom(|number| {
            stage.runtime.block_on(async {
                let mut spent = Vec::new();
                for (total, act) in totals.iter_mut().zip(acts) {
                    spent.push(total.round(stage, callers, number, act).await);
                }
                spent[0]
            })
        });
    });
    group.finish();
    (totals[0].number > 0).then_some(totals)
}

/// What was done in all rounds.
#[derive(Default)]
pub struct Total {
    number: u64,
    time: Duration,
    cpu: Spent,
}

impl Total {
    /// Lets `callers` make `number` calls together; returns how long that took.
    async fn round(&mut self, stage: &Stage, callers: u64, number: u64, act: &Act) -> Duration {
        let before = Clocks::read(stage).await;
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
        self.cpu += Clocks::read(stage).await.since(&before);
        time
    }

    /// Calls a second.
    pub fn rate(&self) -> f64 {
        self.per(self.time)
    }

    /// Calls for each second of the processor time of these.
    fn core_rate(&self, who: &[Who]) -> f64 {
        self.per(self.cpu.of(who))
    }

    /// The processor time of these for a call.
    pub fn cpu(&self, who: &[Who]) -> Duration {
        Duration::from_secs_f64(1.0 / self.core_rate(who))
    }

    #[expect(clippy::cast_precision_loss, reason = "for a rate of four digits")]
    fn per(&self, time: Duration) -> f64 {
        self.number as f64 / time.as_secs_f64()
    }
}
