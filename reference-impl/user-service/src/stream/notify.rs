//! Notifications through Redis, so that a change on one instance is sent by the others at once.
//!
//! A notification says only that there is something to read: it may be lost, doubled or late, and
//! changes none of what a subscriber is sent.

use std::time::Duration;

use futures::StreamExt as _;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, RedisResult};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::Feed;
use super::tail::GATHER;

/// The channel of notifications.
const CHANNEL: &str = "user-changes";

/// How long Redis may take for one step.
const STEP: Duration = Duration::from_secs(1);

/// Before the next attempt to connect.
const RETRY_DELAY: Duration = Duration::from_millis(500);

/// Publishes and receives notifications. It never ends.
pub async fn run(feed: Feed, client: redis::Client) {
    // Only the publisher notices an unresponsive Redis; it makes the listener reconnect.
    let broken = Notify::new();
    tokio::join!(
        publish(&feed, &client, &broken),
        listen(&feed, &client, &broken)
    );
}

/// However many changes come meanwhile, they are one notification.
async fn publish(feed: &Feed, client: &redis::Client, broken: &Notify) {
    let mut kept = None;
    loop {
        feed.0.publish.notified().await;
        let published = timeout(STEP, async {
            let mut connection = match kept.take() {
                Some(connection) => connection,
                None => connect(client).await?,
            };
            redis::cmd("PUBLISH")
                .arg(CHANNEL)
                .arg("")
                .exec_async(&mut connection)
                .await?;
            Ok::<_, redis::RedisError>(connection)
        });
        match published.await {
            Ok(Ok(connection)) => {
                kept = Some(connection);
                // Readers gather as long: a further notification would only cost.
                tokio::time::sleep(GATHER).await;
            }
            Ok(Err(_)) | Err(_) => broken.notify_one(),
        }
    }
}

async fn connect(client: &redis::Client) -> RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(STEP))
        .set_response_timeout(Some(STEP));
    client
        .get_multiplexed_async_connection_with_config(&config)
        .await
}

async fn listen(feed: &Feed, client: &redis::Client, broken: &Notify) {
    loop {
        let subscribed = timeout(STEP, async {
            let mut messages = client.get_async_pubsub().await?;
            messages.subscribe(CHANNEL).await?;
            Ok::<_, redis::RedisError>(messages.into_on_message())
        });
        if let Ok(Ok(mut messages)) = subscribed.await {
            // Notifications may have been missed before.
            feed.0.changed.notify_one();
            let received = async {
                while messages.next().await.is_some() {
                    feed.0.changed.notify_one();
                }
            };
            tokio::select! {
                () = received => {}
                () = broken.notified() => {}
            }
        }
        tokio::time::sleep(RETRY_DELAY).await;
    }
}
