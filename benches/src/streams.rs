//! Time from sending an update to its arrival at the subscribers of `StreamUsers`, compared with a plain publish
//! in Redis to as many receivers.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use criterion::Criterion;
use futures::StreamExt as _;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;
use user_proto::v1::ListUsersRequest;

use crate::calls;
use crate::fixture::Fixture;
use crate::latencies::Latencies;
use crate::table::Table;

/// Numbers of subscribers.
const SUBSCRIBERS: [usize; 2] = [1, 100];

/// The limit for an arrival, after which the bench fails.
const ARRIVAL_TIMEOUT: Duration = Duration::from_secs(20);

/// The Redis channel of the plain publish.
const CHANNEL: &str = "benches";

/// A received text and the time of its arrival.
type Arrival = (String, Instant);

/// Measures updates and plain publishes alternately.
pub fn bench(
    criterion: &mut Criterion,
    fixture: &Fixture,
    table: &mut Table,
) -> anyhow::Result<()> {
    for number in SUBSCRIBERS {
        let mut subscribers = fixture
            .runtime
            .block_on(Subscribers::connect(fixture, number))?;
        let (mut updates, mut publishes) = (Latencies::default(), Latencies::default());
        let plural = if number == 1 { "" } else { "s" };
        let workload = format!("StreamUsers, {number} subscriber{plural}");
        let mut round = 0;
        criterion.bench_function(&workload, |bencher| {
            bencher.iter_custom(|iterations| {
                fixture.runtime.block_on(async {
                    let mut spent = Duration::ZERO;
                    for _ in 0..iterations {
                        round += 1;
                        let measured =
                            subscribers.run_round(fixture, round, &mut updates, &mut publishes);
                        spent += measured.await.expect("a measured round succeeds");
                    }
                    spent
                })
            });
        });
        let target = if number == 1 {
            ""
        } else {
            "subject under 20 ms"
        };
        for (metric, target) in [(("p50", 0.5), ""), (("p99", 0.99), target)] {
            let baseline = ("plain publish", &publishes);
            table.add_quantile(&workload, metric, &updates, baseline, target);
        }
    }
    Ok(())
}

/// Subscribers of `StreamUsers`, and as many receivers of the Redis channel.
struct Subscribers {
    number: usize,
    users: mpsc::UnboundedReceiver<Arrival>,
    messages: mpsc::UnboundedReceiver<Arrival>,
    publisher: redis::aio::MultiplexedConnection,
    /// The receiving tasks, which are aborted on drop.
    _tasks: JoinSet<()>,
}

impl Subscribers {
    /// Opens this many subscriptions to each, each on a separate connection.
    async fn connect(fixture: &Fixture, number: usize) -> anyhow::Result<Self> {
        let mut tasks = JoinSet::new();
        let (user_arrived, users) = mpsc::unbounded_channel();
        let (message_arrived, messages) = mpsc::unbounded_channel();
        let client = redis::Client::open(fixture.redis.url(fixture.redis.address()))?;
        for _ in 0..number {
            let mut subscriber = fixture.subject.connect().await?;
            let request = ListUsersRequest::default();
            let mut stream = subscriber.stream_users(request).await?.into_inner();
            let arrived = user_arrived.clone();
            tasks.spawn(async move {
                while let Ok(Some(user)) = stream.message().await {
                    let _ = arrived.send((user.name, Instant::now()));
                }
            });
            let mut receiver = client.get_async_pubsub().await?;
            receiver.subscribe(CHANNEL).await?;
            let mut stream = receiver.into_on_message();
            let arrived = message_arrived.clone();
            tasks.spawn(async move {
                while let Some(message) = stream.next().await {
                    let text = message.get_payload().unwrap_or_default();
                    let _ = arrived.send((text, Instant::now()));
                }
            });
        }
        Ok(Self {
            number,
            users,
            messages,
            publisher: client.get_multiplexed_async_connection().await?,
            _tasks: tasks,
        })
    }

    /// Sends an update, then a publish, and waits until all receivers have each; returns the time until the last
    /// subscriber received the update.
    async fn run_round(
        &mut self,
        fixture: &Fixture,
        round: u64,
        updates: &mut Latencies,
        publishes: &mut Latencies,
    ) -> anyhow::Result<Duration> {
        let text = format!("round {round} of {}", self.number);
        let sent = Instant::now();
        calls::update(&fixture.client, fixture.id(round), &text).await?;
        let last = receive_all(&mut self.users, &text, self.number, sent, updates).await?;
        let sent = Instant::now();
        let mut publish = redis::cmd("PUBLISH");
        publish.arg(CHANNEL).arg(&text);
        publish.query_async::<()>(&mut self.publisher).await?;
        receive_all(&mut self.messages, &text, self.number, sent, publishes).await?;
        Ok(last)
    }
}

/// Waits until all receivers have received `text`; returns the time until the last arrival.
async fn receive_all(
    arrived: &mut mpsc::UnboundedReceiver<Arrival>,
    text: &str,
    number: usize,
    sent: Instant,
    latencies: &mut Latencies,
) -> anyhow::Result<Duration> {
    let mut last = Duration::ZERO;
    let mut left = number;
    while left > 0 {
        let next = timeout(ARRIVAL_TIMEOUT, arrived.recv()).await;
        let (found, at) = next
            .context("a receiver did not receive the text in time")?
            .context("all receivers have ended")?;
        // Changes of an earlier bench may still arrive.
        if found == text {
            let time = at.saturating_duration_since(sent);
            latencies.record(time);
            last = last.max(time);
            left -= 1;
        }
    }
    Ok(last)
}
