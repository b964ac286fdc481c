//! Leases of the server's logical databases.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::super::lease::{Endpoint, LeaseHandle, LeasePool};
use super::broken;
use super::claims::{Claim, Claims, Counts, EXPIRY};
use crate::backends::provider::{BackendError, chain};
use crate::backends::server::pause;

/// How long a lease is waited for: shorter than a scenario may take, so that this is what its error says.
const LEASE_LIMIT: Duration = Duration::from_mins(1);

/// How long the first free database is waited for: another run may have all of them for a moment.
const FIRST_LIMIT: Duration = Duration::from_secs(2);

/// Between two looks at databases that are all taken.
const RETRY_DELAY: Duration = Duration::from_millis(100);

/// How often claims are renewed: several times before they expire.
const RENEWAL_INTERVAL: Duration = Duration::from_secs(15);

/// Whether another run took over the database of a lease meanwhile.
type Takeover = Arc<AtomicBool>;

/// The logical databases of a server, but for the ledger.
pub(super) struct DatabasePool {
    claims: Claims,
    /// All numbers.
    numbers: Vec<u32>,
    /// Numbers that this run does not use, the one that is longest free first.
    free: tokio::sync::Mutex<mpsc::UnboundedReceiver<u32>>,
    returned: mpsc::UnboundedSender<u32>,
    /// The databases of this run, those that it is claiming among them.
    held: Mutex<BTreeMap<u32, Takeover>>,
    /// Databases that are being emptied.
    returning: TaskTracker,
    /// Ends the renewal of the claims with the pool.
    _renewing: DropGuard,
}

impl DatabasePool {
    /// A pool without a lease; fails if no database is to be had.
    pub(super) async fn open(
        ledger: Endpoint,
        numbers: Vec<u32>,
        run: &str,
    ) -> Result<Arc<Self>, BackendError> {
        let (returned, free) = mpsc::unbounded_channel();
        for number in &numbers {
            // The receiver is right here.
            let _ = returned.send(*number);
        }
        let ended = CancellationToken::new();
        let pool = Arc::new(Self {
            claims: Claims::new(ledger, run),
            numbers,
            free: tokio::sync::Mutex::new(free),
            returned,
            held: Mutex::default(),
            returning: TaskTracker::new(),
            _renewing: ended.clone().drop_guard(),
        });
        pool.first().await?;
        tokio::spawn(renew(Arc::downgrade(&pool), ended));
        Ok(pool)
    }

    /// Waits a moment until a database can be claimed.
    async fn first(&self) -> Result<(), BackendError> {
        let begun = Instant::now();
        loop {
            let counted = self.claims.count(&self.numbers).await;
            let counts = counted.map_err(|error| self.trouble(&chain(&error)))?;
            if counts.free > 0 {
                return Ok(());
            }
            if begun.elapsed() >= FIRST_LIMIT {
                return Err(self.exhausted(counts, "no logical database is free"));
            }
            pause(RETRY_DELAY).await;
        }
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<u32, Takeover>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn trouble(&self, cause: &str) -> BackendError {
        let advice = format!("look at the server at {}", self.claims.ledger.address);
        broken(cause, &advice)
    }

    /// Why no lease can be had.
    fn exhausted(&self, counts: Counts, what: &str) -> BackendError {
        let ledger = self.claims.ledger.database;
        if self.numbers.is_empty() {
            let cause = format!("the server has no logical database beside {ledger}");
            return broken(cause, "set its `databases` to 16, or name another server");
        }
        let own = self.held().len();
        let others = counts.claimed.saturating_sub(own);
        let cause = format!(
            "{what}: of {} beside {ledger}, {others} are leased by other runs, {} hold keys that are not \
             the suite's, {own} are leased by this run",
            self.numbers.len(),
            counts.filled
        );
        let seconds = EXPIRY.as_secs();
        let advice = format!(
            "wait until other runs have ended (a lease of one that was killed expires within {seconds} s), \
             empty databases, or take fewer with --jobs"
        );
        broken(cause, &advice)
    }

    /// The error of a lease whose database another run took over.
    fn lost(number: u32) -> BackendError {
        let cause = format!(
            "another run took over database {number}: this run stood still for more than {} s",
            EXPIRY.as_secs()
        );
        broken(cause, "start the run again, and do not suspend it")
    }

    /// Claims a database. It counts as held from the start: what ends the claim halfway does not leave it.
    async fn claim(self: Arc<Self>, number: u32) -> Result<Option<Lease>, BackendError> {
        self.held().insert(number, Takeover::default());
        let claimed = self.claims.take(number).await;
        if matches!(claimed, Ok(Claim::Taken)) {
            let takeover = Takeover::default();
            self.held().insert(number, takeover.clone());
            return Ok(Some(Lease {
                endpoint: self.claims.endpoint(number),
                takeover,
                databases: self,
            }));
        }
        self.held().remove(&number);
        let _ = self.returned.send(number);
        claimed.map_err(|error| self.trouble(&chain(&error)))?;
        Ok(None)
    }

    /// Renews the claims of this run.
    async fn renew(&self) {
        let held = self.held().clone();
        let numbers: BTreeSet<u32> = held.keys().copied().collect();
        // A server that does not answer now is asked again before the claims expire.
        let lost = self.claims.renew(&numbers).await.unwrap_or_default();
        for number in lost {
            held[&number].store(true, Ordering::Relaxed);
        }
    }

    /// Gives a database back, unless that was done before.
    async fn release(&self, number: u32) {
        if !self.held().contains_key(&number) {
            return;
        }
        // If it fails, the claim expires, and the next lease of this database reports why.
        let _ = self.claims.release(number).await;
        if self.held().remove(&number).is_some() {
            let _ = self.returned.send(number);
        }
    }
}

async fn renew(pool: Weak<DatabasePool>, ended: CancellationToken) {
    loop {
        tokio::select! {
            () = ended.cancelled() => return,
            () = pause(RENEWAL_INTERVAL) => {}
        }
        let Some(pool) = pool.upgrade() else { return };
        pool.renew().await;
    }
}

#[async_trait]
impl LeasePool for Arc<DatabasePool> {
    async fn take(&self) -> Result<Box<dyn LeaseHandle>, BackendError> {
        // Who waits first is served first.
        let mut free = self.free.lock().await;
        let begun = Instant::now();
        let mut refused = 0;
        while begun.elapsed() < LEASE_LIMIT {
            let left = LEASE_LIMIT.saturating_sub(begun.elapsed());
            let Ok(Some(number)) = tokio::time::timeout(left, free.recv()).await else {
                break;
            };
            // On a task of its own: a scenario that ends meanwhile does not break it off.
            let claiming = self.returning.spawn(self.clone().claim(number));
            let claimed = claiming.await;
            if let Some(lease) = claimed.map_err(|panic| self.trouble(&panic.to_string()))?? {
                return Ok(Box::new(lease));
            }
            // Another run has it, or it holds a user's data: perhaps not for long.
            refused += 1;
            if refused % self.numbers.len() == 0 {
                pause(RETRY_DELAY).await;
            }
        }
        let counts = self.claims.count(&self.numbers).await.unwrap_or_default();
        let limit = LEASE_LIMIT.as_secs();
        Err(self.exhausted(
            counts,
            &format!("no logical database became free within {limit} s"),
        ))
    }

    async fn alive(&self) -> Result<(), BackendError> {
        let answer = self.claims.ledger.ping().await;
        answer.map_err(|cause| self.trouble(&cause))?;
        let held = self.held();
        let lost = held.iter().find(|it| it.1.load(Ordering::Relaxed));
        lost.map_or(Ok(()), |(number, _)| Err(DatabasePool::lost(*number)))
    }

    async fn stop(&self) {
        self.returning.close();
        self.returning.wait().await;
        // A lease that is still in use, as by a shared deployment, ends with the run all the same.
        let held: Vec<u32> = self.held().keys().copied().collect();
        futures::future::join_all(held.into_iter().map(|number| self.release(number))).await;
    }
}

/// A database of this run. Dropping it gives it back.
struct Lease {
    endpoint: Endpoint,
    takeover: Takeover,
    databases: Arc<DatabasePool>,
}

#[async_trait]
impl LeaseHandle for Lease {
    fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    fn pid(&self) -> Option<u32> {
        None
    }

    async fn end(&self) -> Option<BackendError> {
        let is_lost = self.takeover.load(Ordering::Relaxed);
        is_lost.then(|| DatabasePool::lost(self.endpoint.database))
    }

    fn release(self: Box<Self>) {}
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Without a runtime the run is over, and the claim expires.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let (databases, number) = (self.databases.clone(), self.endpoint.database);
            let release = async move { databases.release(number).await };
            self.databases.returning.spawn_on(release, &runtime);
        }
    }
}
