//! StreamUsers: who subscribes hears of every user that is created or changed from then on.
//!
//! - [`tail`]: one task reads the change table for all subscribers of the program, as long as there are any
//! - [`backlog`]: what a subscriber was sent and has not taken yet, bounded in bytes
//! - [`wake`]: how the reader learns at once, by Redis from other instances too, that there is
//!   something to read; without Redis it looks by itself, once a [`StreamRules::look`]

pub mod backlog;
pub mod tail;
pub mod wake;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{FutureExt as _, StreamExt as _};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use user_proto::v1;

use self::backlog::{Backlog, Ending, Subscriber};
use crate::filter::Filter;
use crate::status;
use crate::user::User;

/// The decisions about streams.
#[derive(Clone, Copy)]
pub struct StreamRules {
    /// How often the change table is looked at if nobody says that it changed.
    pub look: Duration,
    /// How long the reader gathers, after it was woken and read, before it reads again.
    pub gather: Duration,
    /// How long the reader may be behind before it ends every stream: well before what it has not read is
    /// pruned (STR-5).
    pub lost_after: Duration,
    /// What a subscriber may leave untaken, in bytes (STR-4).
    pub backlog_bytes: u32,
    /// Whether a subscriber that leaves more is ended, or misses what there is no room for (STR-4).
    pub ends_overrun: bool,
    /// Which changes a subscriber is sent (STR-2).
    pub is_wanted: fn(&Filter, &User) -> bool,
    /// Whether streams end when the program stops (STR-5).
    pub ends_at_stop: bool,
}

impl Default for StreamRules {
    fn default() -> Self {
        Self {
            look: Duration::from_secs(1),
            gather: Duration::from_millis(2),
            lost_after: tail::KEPT / 2,
            backlog_bytes: 16 << 20,
            ends_overrun: true,
            is_wanted: Filter::matches,
            ends_at_stop: true,
        }
    }
}

/// Where streams come from. Clones are the same one.
#[derive(Clone)]
pub struct Feed(Arc<Shared>);

struct Shared {
    rules: StreamRules,
    subscribers: Mutex<Subscribers>,
    /// A subscriber came.
    joined: Notify,
    /// There may be something to read.
    changed: Notify,
    /// What was changed here is to be told to the other instances.
    told: Notify,
}

#[derive(Default)]
struct Subscribers {
    /// Those that hear of every change that is read from now on.
    live: Vec<Subscriber>,
    /// Those that wait for the reader to begin.
    waiting: Vec<Subscriber>,
    /// Whether the reader knows from where to read on.
    is_reading: bool,
}

impl Feed {
    /// Without anybody who reads for it, see [`tail::run`] and [`wake::run`].
    pub fn new(rules: StreamRules) -> Self {
        Self(Arc::new(Shared {
            rules,
            subscribers: Mutex::default(),
            joined: Notify::new(),
            changed: Notify::new(),
            told: Notify::new(),
        }))
    }

    /// A user was created or changed here.
    pub fn announce(&self) {
        self.0.changed.notify_one();
        self.0.told.notify_one();
    }

    /// A subscription, once it is live: every change acknowledged from then on arrives (STR-1).
    pub async fn subscribe(
        &self,
        filter: Filter,
        stopping: CancellationToken,
    ) -> BoxStream<'static, Result<v1::User, Status>> {
        let rules = self.0.rules;
        let (mut subscriber, backlog, is_live) = backlog::pair(filter, rules.backlog_bytes);
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
        // An error is an ending, which the stream tells.
        let _ = is_live.await;
        messages(backlog, rules.ends_at_stop.then_some(stopping))
    }

    fn subscribers(&self) -> MutexGuard<'_, Subscribers> {
        self.0
            .subscribers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the client gets: the backlog, then why it ended.
fn messages(
    backlog: Backlog,
    stopping: Option<CancellationToken>,
) -> BoxStream<'static, Result<v1::User, Status>> {
    let stopped = async move {
        match stopping {
            Some(stopping) => stopping.cancelled_owned().await,
            None => std::future::pending().await,
        }
    };
    let open = Open {
        backlog,
        stopped: stopped.boxed(),
    };
    stream::unfold(Some(open), next).boxed()
}

/// A stream that goes on.
struct Open {
    backlog: Backlog,
    stopped: BoxFuture<'static, ()>,
}

/// The next message, and the rest of the stream, if any.
async fn next(open: Option<Open>) -> Option<(Result<v1::User, Status>, Option<Open>)> {
    let mut open = open?;
    let next = tokio::select! {
        biased;
        () = &mut open.stopped => Err(Ending::Stopping),
        next = open.backlog.next() => next,
    };
    Some(match next {
        Ok(user) => (Ok(user), Some(open)),
        Err(ending) => (Err(status::of_ending(ending)), None),
    })
}
