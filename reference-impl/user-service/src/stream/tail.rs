//! Reads the change table for all subscribers of the program.

use std::sync::Arc;
use std::time::Duration;

use prost::Message as _;
use tokio::time::{Instant, timeout};
use user_proto::v1;

use super::Feed;
use super::backlog::{Ending, Subscriber};
use crate::store::{ChangeLog, Seen, StoreError};

/// How long a read may take: after an outage the next one must come soon (STR-5).
pub const READ: Duration = Duration::from_secs(2);

/// Between two reads while they fail.
const PAUSE: Duration = Duration::from_millis(250);

/// The most changes that one read takes: with the largest users 8 MiB, which a slow machine reads in time.
const MOST: u32 = 500;

/// How long changes are kept for readers that are cut off from the database.
pub const KEPT: Duration = Duration::from_mins(10);

/// How often old changes are removed, and how many at once.
const PRUNE: (Duration, u32) = (Duration::from_secs(20), 10_000);

/// Reads as long as there are subscribers, and prunes the table now and then. It never ends.
pub async fn run(feed: Feed, log: Arc<dyn ChangeLog>) {
    tokio::join!(read(&feed, &*log), prune(&*log));
}

async fn read(feed: &Feed, log: &dyn ChangeLog) {
    loop {
        feed.0.joined.notified().await;
        while feed.has_subscribers() {
            match within(log.now()).await {
                Ok(seen) => follow(feed, log, seen).await,
                Err(error) => {
                    tracing::warn!(%error, "cannot begin to read changes");
                    // Who waits decides how long.
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

/// Reads on from `seen` until nobody is there any more, or until changes are lost.
async fn follow(feed: &Feed, log: &dyn ChangeLog, mut seen: Seen) {
    let rules = feed.0.rules;
    // When there was nothing more to read.
    let mut caught_up = Instant::now();
    feed.begin();
    while feed.has_subscribers() {
        match within(log.since(&seen, MOST)).await {
            Ok(changed) => {
                seen = changed.seen;
                feed.deliver(changed.users);
                if seen.part.is_none() {
                    tokio::time::sleep(rules.gather).await;
                    // Nobody said that there is something to read: a look all the same.
                    let _ = timeout(rules.look, feed.0.changed.notified()).await;
                    caught_up = Instant::now();
                    continue;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "cannot read changes");
                tokio::time::sleep(PAUSE).await;
            }
        }
        if caught_up.elapsed() > rules.lost_after {
            return feed.end_all(Ending::Lost);
        }
    }
}

/// Every instance does it; what one removes, no other finds.
async fn prune(log: &dyn ChangeLog) {
    let (pause, limit) = PRUNE;
    loop {
        tokio::time::sleep(pause).await;
        if let Err(error) = within(log.prune(KEPT, limit)).await {
            tracing::debug!(%error, "cannot prune the change table");
        }
    }
}

async fn within<T>(read: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    timeout(READ, read)
        .await
        .unwrap_or_else(|elapsed| Err(StoreError::Unavailable(elapsed.into())))
}

impl Feed {
    /// Whether anybody is left; those that are gone are forgotten (STR-6).
    fn has_subscribers(&self) -> bool {
        let mut subscribers = self.subscribers();
        subscribers.live.retain(|it| !it.is_gone());
        subscribers.waiting.retain(|it| !it.is_gone());
        let has_any = !(subscribers.live.is_empty() && subscribers.waiting.is_empty());
        // Decided under the lock: whoever comes later waits for a new beginning.
        subscribers.is_reading &= has_any;
        has_any
    }

    /// The reader knows from where to read on: whoever waited is live.
    fn begin(&self) {
        let mut subscribers = self.subscribers();
        let mut waiting = std::mem::take(&mut subscribers.waiting);
        waiting.iter_mut().for_each(Subscriber::begin);
        subscribers.live.append(&mut waiting);
        subscribers.is_reading = true;
    }

    /// Sends what was read to whoever wants it.
    fn deliver(&self, users: Vec<crate::user::User>) {
        let rules = self.0.rules;
        let mut subscribers = self.subscribers();
        for user in users {
            let message = Arc::new(v1::User::from(user.clone()));
            let live = std::mem::take(&mut subscribers.live);
            for subscriber in live {
                let is_overrun = (rules.is_wanted)(&subscriber.filter, &user)
                    && !subscriber.send(&message)
                    && rules.ends_overrun;
                if is_overrun {
                    tracing::info!(bytes = message.encoded_len(), "a subscriber is too slow");
                    subscriber.end(Ending::Overrun);
                } else {
                    subscribers.live.push(subscriber);
                }
            }
        }
    }

    fn end_all(&self, ending: Ending) {
        let mut subscribers = self.subscribers();
        subscribers.is_reading = false;
        for subscriber in subscribers.live.drain(..) {
            subscriber.end(ending);
        }
    }
}
