//! Wake-ups through Redis, so that a change on one instance is sent by the others at once.
//!
//! A wake-up says only that there is something to read: it may be lost, doubled or late, and
//! changes none of what a subscriber is sent.

use std::time::Duration;

use futures::StreamExt as _;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, RedisResult};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::Feed;

/// The channel that wake-ups go through.
const CHANNEL: &str = "user-changes";

/// How long Redis may take for one step.
const STEP: Duration = Duration::from_secs(1);

/// Before the next attempt to connect.
const PAUSE: Duration = Duration::from_millis(500);

/// Passes wake-ups on in both directions. It never ends.
pub async fn run(feed: Feed, client: redis::Client) {
    // Redis is seen to be silent by who speaks to it; who listens is told.
    let broken = Notify::new();
    tokio::join!(
        tell(&feed, &client, &broken),
        listen(&feed, &client, &broken)
    );
}

/// However many changes come meanwhile, they are one wake-up.
async fn tell(feed: &Feed, client: &redis::Client, broken: &Notify) {
    let mut kept = None;
    loop {
        feed.0.told.notified().await;
        let told = timeout(STEP, async {
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
        match told.await {
            Ok(Ok(connection)) => {
                kept = Some(connection);
                // Those who were woken gather as long; each further word would only cost.
                tokio::time::sleep(feed.0.rules.gather).await;
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
            // Whatever was told while nobody listened.
            feed.0.changed.notify_one();
            let heard = async {
                while messages.next().await.is_some() {
                    feed.0.changed.notify_one();
                }
            };
            tokio::select! {
                () = heard => {}
                () = broken.notified() => {}
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}
