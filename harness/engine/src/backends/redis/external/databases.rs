//! The pool of logical databases.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::future::join_all;
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::super::lease::{Endpoint, LeaseHandle, LeasePool};
use super::broken;
use super::claims::{Claims, Counts, EXPIRY};
use crate::backends::provider::{BackendError, error_chain};
use crate::backends::server::pause;

/// How long to wait for a lease: less than the time limit of a scenario, so that the error names the cause.
const LEASE_TIMEOUT: Duration = Duration::from_mins(1);

/// How long the start waits for a free database: another run may be about to return its leases.
const START_TIMEOUT: Duration = Duration::from_secs(2);

/// Delay before claiming is tried again if all databases are in use.
const RETRY_DELAY: Duration = Duration::from_millis(100);

/// Interval at which claims are renewed; several renewals may fail before a claim expires.
const RENEWAL_INTERVAL: Duration = Duration::from_secs(15);

/// Set if another run has claimed the database of a lease.
type LostFlag = Arc<AtomicBool>;

/// The logical databases of a server, except that of the registry.
pub(super) struct DatabasePool {
    claims: Claims,
    /// The numbers of all databases.
    numbers: Vec<u32>,
    /// Numbers of databases that this run does not use, the longest unused first.
    free: tokio::sync::Mutex<mpsc::UnboundedReceiver<u32>>,
    returned: mpsc::UnboundedSender<u32>,
    /// Databases that this run has claimed or is claiming.
    claimed: Mutex<BTreeMap<u32, LostFlag>>,
    /// Tasks that claim databases, or empty returned ones.
    tasks: TaskTracker,
    /// Stops the renewal of claims when the pool is dropped.
    _renewal: DropGuard,
}

impl DatabasePool {
    /// A pool without leases; fails if no database is free.
    pub(super) async fn open(
        registry: Endpoint,
        numbers: Vec<u32>,
        run: &str,
    ) -> Result<Arc<Self>, BackendError> {
        let (returned, free) = mpsc::unbounded_channel();
        for number in &numbers {
            // It cannot fail: `free` is alive.
            let _ = returned.send(*number);
        }
        let stopped = CancellationToken::new();
        let pool = Arc::new(Self {
            claims: Claims::new(registry, run),
            numbers,
            free: tokio::sync::Mutex::new(free),
            returned,
            claimed: Mutex::default(),
            tasks: TaskTracker::new(),
            _renewal: stopped.clone().drop_guard(),
        });
        pool.wait_for_free_database().await?;
        tokio::spawn(renew_claims(Arc::downgrade(&pool), stopped));
        Ok(pool)
    }

    /// Waits until a database can be claimed.
    async fn wait_for_free_database(&self) -> Result<(), BackendError> {
        let started = Instant::now();
        loop {
            let counted = self.claims.count(&self.numbers).await;
            let counts = counted.map_err(|error| self.unreachable(&error_chain(&error)))?;
            if counts.free > 0 {
                return Ok(());
            }
            if started.elapsed() >= START_TIMEOUT {
                return Err(self.no_free_database(counts, "no logical database is free"));
            }
            pause(RETRY_DELAY).await;
        }
    }

    fn lock_claimed(&self) -> MutexGuard<'_, BTreeMap<u32, LostFlag>> {
        self.claimed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The error of a failed request to the server.
    fn unreachable(&self, cause: &str) -> BackendError {
        let advice = format!("check the server at {}", self.claims.registry.address);
        broken(cause, &advice)
    }

    /// The error `problem` with the numbers of databases by state.
    fn no_free_database(&self, counts: Counts, problem: &str) -> BackendError {
        let registry = self.claims.registry.database;
        if self.numbers.is_empty() {
            let cause = format!("the server has no logical database besides {registry}");
            return broken(cause, "set its `databases` to 16, or use another server");
        }
        let own = self.lock_claimed().len();
        let others = counts.claimed.saturating_sub(own);
        let cause = format!(
            "{problem}: of {} besides {registry}, {others} are leased by other runs, {} contain other keys, \
             {own} are leased by this run",
            self.numbers.len(),
            counts.foreign
        );
        let seconds = EXPIRY.as_secs();
        let advice = format!(
            "wait until other runs have ended (leases of a killed run expire within {seconds} s), empty some \
             databases, or use fewer with --jobs"
        );
        broken(cause, &advice)
    }

    /// The error of a lease whose database another run has claimed.
    fn lost_error(number: u32) -> BackendError {
        let cause = format!(
            "another run has claimed database {number}: this run was suspended for more than {} s",
            EXPIRY.as_secs()
        );
        broken(cause, "start the run again, and do not suspend it")
    }

    /// Claims a database; `None` if it is in use. The number is recorded first, so that the database is released
    /// even if the claim is interrupted.
    async fn claim(self: Arc<Self>, number: u32) -> Result<Option<Lease>, BackendError> {
        self.lock_claimed().insert(number, LostFlag::default());
        let claimed = self.claims.claim(number).await;
        if matches!(claimed, Ok(true)) {
            let is_lost = LostFlag::default();
            self.lock_claimed().insert(number, is_lost.clone());
            return Ok(Some(Lease {
                endpoint: self.claims.endpoint(number),
                is_lost,
                databases: self,
            }));
        }
        self.lock_claimed().remove(&number);
        let _ = self.returned.send(number);
        claimed.map_err(|error| self.unreachable(&error_chain(&error)))?;
        Ok(None)
    }

    /// Renews the claims of this run.
    async fn renew(&self) {
        let claimed = self.lock_claimed().clone();
        let numbers: BTreeSet<u32> = claimed.keys().copied().collect();
        // After an error, the next renewal comes before the claims expire.
        let lost = self.claims.renew(&numbers).await.unwrap_or_default();
        for number in lost {
            claimed[&number].store(true, Ordering::Relaxed);
        }
    }

    /// Returns a database to the server and the pool, unless that was done before.
    async fn release(&self, number: u32) {
        if !self.lock_claimed().contains_key(&number) {
            return;
        }
        // If it fails, the claim expires, and the error shows when the database is leased again.
        let _ = self.claims.release(number).await;
        if self.lock_claimed().remove(&number).is_some() {
            let _ = self.returned.send(number);
        }
    }
}

async fn renew_claims(pool: Weak<DatabasePool>, stopped: CancellationToken) {
    loop {
        tokio::select! {
            () = stopped.cancelled() => return,
            () = pause(RENEWAL_INTERVAL) => {}
        }
        let Some(pool) = pool.upgrade() else { return };
        pool.renew().await;
    }
}

#[async_trait]
impl LeasePool for Arc<DatabasePool> {
    async fn take(&self) -> Result<Box<dyn LeaseHandle>, BackendError> {
        // The mutex is fair: the first to wait is the first to get a lease.
        let mut free = self.free.lock().await;
        let started = Instant::now();
        let mut refused = 0;
        while started.elapsed() < LEASE_TIMEOUT {
            let left = LEASE_TIMEOUT.saturating_sub(started.elapsed());
            let Ok(Some(number)) = tokio::time::timeout(left, free.recv()).await else {
                break;
            };
            // A separate task, so that the end of a scenario does not interrupt the claim.
            let claimed = self.tasks.spawn(self.clone().claim(number)).await;
            if let Some(lease) = claimed.map_err(|panic| self.unreachable(&panic.to_string()))?? {
                return Ok(Box::new(lease));
            }
            // Another run has leased it, or it contains other data; try it again later.
            refused += 1;
            if refused % self.numbers.len() == 0 {
                pause(RETRY_DELAY).await;
            }
        }
        let counts = self.claims.count(&self.numbers).await.unwrap_or_default();
        let limit = LEASE_TIMEOUT.as_secs();
        Err(self.no_free_database(
            counts,
            &format!("no logical database became free within {limit} s"),
        ))
    }

    async fn check_alive(&self) -> Result<(), BackendError> {
        let answer = self.claims.registry.ping().await;
        answer.map_err(|cause| self.unreachable(&cause))?;
        let claimed = self.lock_claimed();
        let lost = claimed
            .iter()
            .find(|(_, is_lost)| is_lost.load(Ordering::Relaxed));
        lost.map_or(Ok(()), |(number, _)| Err(DatabasePool::lost_error(*number)))
    }

    async fn stop(&self) {
        self.tasks.close();
        self.tasks.wait().await;
        // Leases that are still in use, such as that of the shared deployment, end with the run.
        let claimed: Vec<u32> = self.lock_claimed().keys().copied().collect();
        join_all(claimed.into_iter().map(|number| self.release(number))).await;
    }
}

/// A leased database; returned to the pool on drop.
struct Lease {
    endpoint: Endpoint,
    is_lost: LostFlag,
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

    async fn exit_error(&self) -> Option<BackendError> {
        let is_lost = self.is_lost.load(Ordering::Relaxed);
        is_lost.then(|| DatabasePool::lost_error(self.endpoint.database))
    }

    fn release(self: Box<Self>) {}
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Without a runtime the run is over; other runs ignore the claim once it expires.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let (databases, number) = (self.databases.clone(), self.endpoint.database);
            let release = async move { databases.release(number).await };
            self.databases.tasks.spawn_on(release, &runtime);
        }
    }
}
