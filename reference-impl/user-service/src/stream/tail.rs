//! Reads the change table for all subscribers of the program.

use std::sync::Arc;
use std::time::Duration;

use prost::Message as _;
use tokio::time::{Instant, timeout};
use user_proto::v1;

use super::Feed;
use super::queue::{Ending, Subscriber};
use crate::store::{ChangeCursor, ChangeLog};

/// How long a read may take: after an outage the next one must come soon (STR-5).
pub const READ: Duration = Duration::from_secs(2);

/// How often the change table is read without a notification.
const POLL: Duration = Duration::from_secs(1);

/// How long changes gather after a read, before the next one or the next notification.
pub const GATHER: Duration = Duration::from_millis(2);

/// How long the reader may be behind before it ends every stream: well before what it has not read is
/// pruned (STR-5).
const LOST_AFTER: Duration = Duration::from_mins(5);

/// Delay between two reads while they fail.
const RETRY_DELAY: Duration = Duration::from_millis(250);

/// The most changes that one read takes: with the largest users 8 MiB, which a slow machine reads in time.
const MAX_CHANGES_PER_READ: u32 = 500;

/// How long changes are kept for readers that are cut off from the database.
const RETENTION: Duration = Duration::from_mins(10);

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
            match log.now().await {
                Ok(cursor) => follow(feed, log, cursor).await,
                Err(error) => {
                    tracing::warn!(%error, "cannot begin to read changes");
                    // Each caller has a time limit of its own.
                    tokio::time::sleep(RETRY_DELAY).await;
                }
            }
        }
    }
}

/// Reads on from the cursor until the last subscriber is gone, or until changes are lost.
async fn follow(feed: &Feed, log: &dyn ChangeLog, mut cursor: ChangeCursor) {
    // When there was nothing more to read.
    let mut caught_up = Instant::now();
    feed.begin();
    while feed.has_subscribers() {
        match log.since(&cursor, MAX_CHANGES_PER_READ).await {
            Ok(changed) => {
                cursor = changed.cursor;
                feed.deliver(changed.users);
                if cursor.partial.is_none() {
                    tokio::time::sleep(GATHER).await;
                    // Without a notification it reads all the same.
                    let _ = timeout(POLL, feed.0.changed.notified()).await;
                    caught_up = Instant::now();
                    continue;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "cannot read changes");
                tokio::time::sleep(RETRY_DELAY).await;
            }
        }
        if caught_up.elapsed() > LOST_AFTER {
            return feed.end_all(Ending::Lost);
        }
    }
}

/// Removes old changes. Every instance does so; an instance skips what another has removed.
async fn prune(log: &dyn ChangeLog) {
    let (pause, limit) = PRUNE;
    loop {
        tokio::time::sleep(pause).await;
        if let Err(error) = log.prune(RETENTION, limit).await {
            tracing::debug!(%error, "cannot prune the change table");
        }
    }
}

impl Feed {
    /// Whether any subscriber is left; those that are gone are dropped (STR-6).
    fn has_subscribers(&self) -> bool {
        let mut subscribers = self.subscribers();
        subscribers.live.retain(|it| !it.is_gone());
        subscribers.waiting.retain(|it| !it.is_gone());
        let has_any = !(subscribers.live.is_empty() && subscribers.waiting.is_empty());
        // Decided under the lock: a later subscriber waits for a new beginning.
        subscribers.is_reading &= has_any;
        has_any
    }

    /// The reader has a place to read on from: those that waited are live.
    fn begin(&self) {
        let mut subscribers = self.subscribers();
        let mut waiting = std::mem::take(&mut subscribers.waiting);
        waiting.iter_mut().for_each(Subscriber::begin);
        subscribers.live.append(&mut waiting);
        subscribers.is_reading = true;
    }

    /// Sends what was read to every subscriber whose filter matches (STR-2).
    fn deliver(&self, users: Vec<crate::user::User>) {
        let mut subscribers = self.subscribers();
        for user in users {
            let message = Arc::new(v1::User::from(user.clone()));
            let live = std::mem::take(&mut subscribers.live);
            for subscriber in live {
                let is_slow = subscriber.filter.matches(&user) && !subscriber.send(&message);
                if is_slow {
                    tracing::info!(bytes = message.encoded_len(), "a subscriber is too slow");
                    subscriber.end(Ending::SlowConsumer);
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
