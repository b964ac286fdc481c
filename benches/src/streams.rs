//! The latency from an update to its arrival at the subscribers of `StreamUsers`, compared with a
//! plain publish in Redis to as many receivers.

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
use crate::table::Table;
use crate::times::Times;

/// Numbers of subscribers.
const SUBSCRIBERS: [usize; 2] = [1, 100];

/// The longest time for an arrival, before the bench gives up.
const ARRIVAL: Duration = Duration::from_secs(20);

/// The channel of the plain publish.
const CHANNEL: &str = "benches";

/// The text that arrived, and when.
type Arrival = (String, Instant);

/// Measures both alternately.
pub fn bench(
    criterion: &mut Criterion,
    fixture: &Fixture,
    table: &mut Table,
) -> anyhow::Result<()> {
    for number in SUBSCRIBERS {
        let mut receivers = fixture
            .runtime
            .block_on(Receivers::subscribe(fixture, number))?;
        let (mut updates, mut publishes) = (Times::default(), Times::default());
        let what = format!("StreamUsers, {number} subscribed");
        let mut round = 0;
        criterion.bench_function(&what, |bencher| {
            bencher.iter_custom(|iterations| {
                fixture.runtime.block_on(async {
                    let mut spent = Duration::ZERO;
                    for _ in 0..iterations {
                        round += 1;
                        let both = receivers.round(fixture, round, &mut updates, &mut publishes);
                        spent += both.await.expect("the measured call succeeds");
                    }
                    spent
                })
            });
        });
        let wanted = if number == 1 {
            ""
        } else {
            "subject under 20 ms"
        };
        for (figure, wanted) in [(("p50", 0.5), ""), (("p99", 0.99), wanted)] {
            let baseline = ("plain publish", &publishes);
            table.add_quantile(&what, figure, &updates, baseline, wanted);
        }
    }
    Ok(())
}

/// The subscribers of user streams, and those of plain messages.
struct Receivers {
    number: usize,
    users: mpsc::UnboundedReceiver<Arrival>,
    messages: mpsc::UnboundedReceiver<Arrival>,
    publisher: redis::aio::MultiplexedConnection,
    /// Ends all subscriptions when dropped.
    _tasks: JoinSet<()>,
}

impl Receivers {
    /// Opens this number of subscriptions to each, every one on its own connection.
    async fn subscribe(fixture: &Fixture, number: usize) -> anyhow::Result<Self> {
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

    /// Sends an update and a publish, and waits until all subscribers have each; returns the time of the last user's
    /// arrival.
    async fn round(
        &mut self,
        fixture: &Fixture,
        round: u64,
        updates: &mut Times,
        publishes: &mut Times,
    ) -> anyhow::Result<Duration> {
        let text = format!("round {round} of {}", self.number);
        let sent = Instant::now();
        calls::update(&fixture.client, fixture.id(round), &text).await?;
        let last = arrivals(&mut self.users, &text, self.number, sent, updates).await?;
        let sent = Instant::now();
        let mut publish = redis::cmd("PUBLISH");
        publish.arg(CHANNEL).arg(&text);
        publish.query_async::<()>(&mut self.publisher).await?;
        arrivals(&mut self.messages, &text, self.number, sent, publishes).await?;
        Ok(last)
    }
}

/// Waits until `text` has arrived as often as it must; returns the time to the last arrival.
async fn arrivals(
    arrived: &mut mpsc::UnboundedReceiver<Arrival>,
    text: &str,
    number: usize,
    sent: Instant,
    times: &mut Times,
) -> anyhow::Result<Duration> {
    let mut last = Duration::ZERO;
    let mut left = number;
    while left > 0 {
        let next = timeout(ARRIVAL, arrived.recv()).await;
        let (found, at) = next
            .context("no arrival")?
            .context("the subscribers have ended")?;
        // A message of an earlier bench may still arrive.
        if found == text {
            let time = at.saturating_duration_since(sent);
            times.record(time);
            last = last.max(time);
            left -= 1;
        }
    }
    Ok(last)
}
