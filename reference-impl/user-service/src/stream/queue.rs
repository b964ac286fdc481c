//! The queue of one subscriber, bounded in bytes.

use std::sync::{Arc, OnceLock};

use prost::Message as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use user_proto::v1;

use crate::filter::Filter;

/// What a subscriber may leave untaken (STR-4).
const QUEUE_BYTES: usize = 16 << 20;

/// Why a stream ends before its client ends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The subscriber left more untaken than it may (STR-4).
    SlowConsumer,
    /// Changes can no longer be sent, since the database was away for too long (STR-5).
    Lost,
    /// The program stops (STR-5).
    Stopping,
}

/// The sending side.
pub struct Subscriber {
    /// Which users it wants (STR-2).
    pub filter: Filter,
    users: mpsc::UnboundedSender<Queued>,
    /// A permit for each byte that may still be queued.
    free_bytes: Arc<Semaphore>,
    ending: Arc<OnceLock<Ending>>,
    /// Taken when the subscription is live.
    live: Option<oneshot::Sender<()>>,
}

/// The receiving side.
pub struct SubscriberQueue {
    users: mpsc::UnboundedReceiver<Queued>,
    ending: Arc<OnceLock<Ending>>,
}

struct Queued {
    user: Arc<v1::User>,
    /// Given back when the user is taken.
    _bytes: OwnedSemaphorePermit,
}

/// Both sides, and what resolves when the subscription is live. Queued users take at most `QUEUE_BYTES`.
pub fn pair(filter: Filter) -> (Subscriber, SubscriberQueue, oneshot::Receiver<()>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let (live, is_live) = oneshot::channel();
    let ending = Arc::new(OnceLock::new());
    let subscriber = Subscriber {
        filter,
        users: sender,
        free_bytes: Arc::new(Semaphore::new(QUEUE_BYTES)),
        ending: ending.clone(),
        live: Some(live),
    };
    let queue = SubscriberQueue {
        users: receiver,
        ending,
    };
    (subscriber, queue, is_live)
}

impl Subscriber {
    /// Reports the subscription live; a client that did not wait for that is gone.
    pub fn begin(&mut self) {
        if let Some(live) = self.live.take() {
            let _ = live.send(());
        }
    }

    /// Queues a user for it. Returns whether there was room; without, nothing is queued.
    pub fn send(&self, user: &Arc<v1::User>) -> bool {
        let size = u32::try_from(user.encoded_len()).unwrap_or(u32::MAX);
        let Ok(bytes) = self.free_bytes.clone().try_acquire_many_owned(size) else {
            return false;
        };
        let queued = Queued {
            user: user.clone(),
            _bytes: bytes,
        };
        // A client that is gone is noticed by `is_gone`.
        let _ = self.users.send(queued);
        true
    }

    /// Whether the receiving side was dropped (STR-6).
    pub fn is_gone(&self) -> bool {
        self.users.is_closed()
    }

    /// Ends the stream, after what is queued.
    pub fn end(self, ending: Ending) {
        // Only this call sets it, and it takes the subscriber.
        let _ = self.ending.set(ending);
    }
}

impl SubscriberQueue {
    /// The next user, as soon as there is one, or why there is none any more.
    pub async fn next(&mut self) -> Result<v1::User, Ending> {
        match self.users.recv().await {
            Some(queued) => Ok(Arc::unwrap_or_clone(queued.user)),
            None => Err(self.ending.get().copied().unwrap_or(Ending::Lost)),
        }
    }
}
