//! StreamUsers: subscribers are sent every user that is created or changed from then on.
//!
//! - [`tail`]: one task reads the change table for all subscribers of the program, as long as there are any
//! - [`queue`]: what a subscriber was sent and has not taken yet, bounded in bytes
//! - [`notify`]: notifications through Redis that there is something to read; without Redis the reader
//!   polls

pub mod notify;
pub mod queue;
pub mod tail;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use user_proto::v1;

use self::queue::{Ending, Subscriber, SubscriberQueue};
use crate::filter::Filter;
use crate::status;

/// Where streams come from. Clones are the same one. [`tail::run`] and [`notify::run`] feed it.
#[derive(Clone, Default)]
pub struct Feed(Arc<Shared>);

#[derive(Default)]
struct Shared {
    subscribers: Mutex<Subscribers>,
    /// A subscriber came.
    joined: Notify,
    /// There may be something to read.
    changed: Notify,
    /// The other instances are to be notified.
    publish: Notify,
}

#[derive(Default)]
struct Subscribers {
    /// Those that are sent every change that is read from now on.
    live: Vec<Subscriber>,
    /// Those that wait for the reader to begin.
    waiting: Vec<Subscriber>,
    /// Whether the reader has a cursor to read on from.
    is_reading: bool,
}

impl Feed {
    /// A user was created or changed here.
    pub fn announce(&self) {
        self.0.changed.notify_one();
        self.0.publish.notify_one();
    }

    /// A subscription, once it is live: every change acknowledged from then on arrives (STR-1).
    pub async fn subscribe(
        &self,
        filter: Filter,
        stopping: CancellationToken,
    ) -> BoxStream<'static, Result<v1::User, Status>> {
        let (mut subscriber, queue, is_live) = queue::pair(filter);
        {
            let mut subscribers = self.subscribers();
            if subscribers.is_reading {
                subscriber.begin();
                subscribers.live.push(subscriber);
            } else {
                subscribers.waiting.push(subscriber);
            }
        }
        self.0.joined.notify_one();
        // An error is an ending, which the stream reports.
        let _ = is_live.await;
        messages(queue, stopping)
    }

    fn subscribers(&self) -> MutexGuard<'_, Subscribers> {
        self.0
            .subscribers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the client gets: what is queued for it, then why the stream ended.
fn messages(
    queue: SubscriberQueue,
    stopping: CancellationToken,
) -> BoxStream<'static, Result<v1::User, Status>> {
    stream::unfold(Some(Open { queue, stopping }), next).boxed()
}

/// A stream that goes on.
struct Open {
    queue: SubscriberQueue,
    stopping: CancellationToken,
}

/// The next message, and the rest of the stream, if any.
async fn next(open: Option<Open>) -> Option<(Result<v1::User, Status>, Option<Open>)> {
    let mut open = open?;
    let next = tokio::select! {
        biased;
        () = open.stopping.cancelled() => Err(Ending::Stopping),
        next = open.queue.next() => next,
    };
    Some(match next {
        Ok(user) => (Ok(user), Some(open)),
        Err(ending) => (Err(status::of_ending(ending)), None),
    })
}
