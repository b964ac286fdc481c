//! The site: what the scenarios of one subject share, each part started when first needed.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use conformance_engine::backends::postgres::{Database, Postgres};
use conformance_engine::backends::provider::{BackendError, BackendInfo, Choice};
use conformance_engine::backends::redis::Redis;
use conformance_engine::failure::{Failure, StepResult};
use conformance_engine::manifest::Manifest;
use conformance_engine::observe::Patience;
use conformance_engine::sandbox::Sandbox;
use conformance_engine::subject::instance::Instance;
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};

use crate::component::Component;
use crate::deployment::{self, Attached, Deployment, Settings};

/// The backends of one run, whatever subjects it judges.
pub struct Backends {
    /// Folder, ports and watchdog of the run.
    pub home: Sandbox,
    choice: Choice,
    postgres: OnceCell<StepResult<Arc<Postgres>>>,
    redis: OnceCell<StepResult<Arc<Redis>>>,
}

impl Backends {
    /// Nothing is started yet.
    pub fn new(home: Sandbox, choice: Choice) -> Self {
        Self {
            home,
            choice,
            postgres: OnceCell::new(),
            redis: OnceCell::new(),
        }
    }

    /// The PostgreSQL server.
    pub async fn postgres(&self) -> StepResult<Arc<Postgres>> {
        let start = async || {
            let started = Postgres::start(self.choice, &self.home).await;
            started.map(Arc::new).map_err(failure)
        };
        self.postgres.get_or_init(start).await.clone()
    }

    /// The Redis servers.
    pub async fn redis(&self) -> StepResult<Arc<Redis>> {
        let start = async || {
            let started = Redis::start(self.choice, &self.home).await;
            started.map(Arc::new).map_err(failure)
        };
        self.redis.get_or_init(start).await.clone()
    }

    /// Starts side by side what these components attach to, ahead of the first scenario that needs it.
    pub async fn warm_up(&self, components: &[Component]) {
        if components.contains(&Component::UserService) {
            // A failure is kept, and told by every scenario that needs the backend.
            let _ = futures::join!(self.postgres(), self.redis());
        }
    }

    /// What each backend is, for the report; only those that were started.
    pub fn infos(&self) -> BTreeMap<String, BackendInfo> {
        let postgres = started(&self.postgres).map(|it| ("postgres", it.info().clone()));
        let redis = started(&self.redis).map(|it| ("redis", it.info().clone()));
        postgres
            .into_iter()
            .chain(redis)
            .map(|(name, info)| (name.to_owned(), info))
            .collect()
    }

    /// Why the suite cannot judge any more: a backend that died.
    pub async fn broken(&self) -> Option<String> {
        if let Some(postgres) = started(&self.postgres)
            && let Err(error) = postgres.alive().await
        {
            return Some(error.to_string());
        }
        if let Some(redis) = started(&self.redis)
            && let Err(error) = redis.alive().await
        {
            return Some(error.to_string());
        }
        None
    }

    /// Stops what was started and waits until nothing of the run is left.
    pub async fn end(&self) {
        if let Some(redis) = started(&self.redis) {
            redis.stop().await;
        }
        if let Some(postgres) = started(&self.postgres) {
            postgres.stop().await;
        }
        self.home.finish().await;
    }
}

/// What a light program spends on its start; a heavier one is given fewer scenarios at once.
const LIGHT: Duration = Duration::from_millis(150);

/// The cores of this machine.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}

/// What the scenarios of one subject share.
pub struct Site {
    /// Who is judged.
    pub manifest: Manifest,
    /// What it attaches to.
    pub backends: Rc<Backends>,
    /// For a slow machine.
    pub patience: Patience,
    /// The components that have scenarios in this run.
    judged: Vec<Component>,
    migrated: OnceCell<StepResult<Database>>,
    shared: [OnceCell<StepResult<Rc<Deployment>>>; Component::ALL.len()],
    subjects_cpu: Cell<Duration>,
    /// One for each core: the contract's times hold on an idle machine, and a start takes a core.
    starts: Arc<Semaphore>,
}

impl Site {
    /// Nothing is started yet.
    pub fn new(
        manifest: Manifest,
        backends: Rc<Backends>,
        patience: Patience,
        judged: Vec<Component>,
    ) -> Self {
        Self {
            manifest,
            backends,
            patience,
            judged,
            migrated: OnceCell::new(),
            shared: Default::default(),
            subjects_cpu: Cell::default(),
            starts: Arc::new(Semaphore::new(cores())),
        }
    }

    /// Folder, ports and watchdog of the run.
    pub fn home(&self) -> &Sandbox {
        &self.backends.home
    }

    /// Whether the component has scenarios in this run.
    pub fn judges(&self, component: Component) -> bool {
        self.judged.contains(&component)
    }

    /// The PostgreSQL server.
    pub async fn postgres(&self) -> StepResult<Arc<Postgres>> {
        self.backends.postgres().await
    }

    /// The Redis servers.
    pub async fn redis(&self) -> StepResult<Arc<Redis>> {
        self.backends.redis().await
    }

    /// A turn to start a program; whoever holds it may use a core.
    pub async fn turn_to_start(&self) -> StepResult<OwnedSemaphorePermit> {
        let turn = self.starts.clone().acquire_owned().await;
        turn.map_err(Failure::broken)
    }

    /// How many scenarios at once this subject is good for, if it starts at all.
    ///
    /// A program whose start costs seconds of a core would make every other one late.
    pub async fn fitting_jobs(self: &Rc<Self>) -> usize {
        // Half of them wait for one of the contract's times.
        let most = 24 * cores();
        let shared = self.judged.iter().map(|it| self.shared(*it));
        let shared: Vec<_> = futures::future::join_all(shared).await;
        let spent = shared.iter().flatten().flat_map(|it| it.slots());
        let spent = spent.filter_map(|it| it.instance().ok()).map(Instance::cpu);
        // The heaviest of the programs.
        let Some(spent) = spent.max() else {
            return most;
        };
        if spent <= LIGHT {
            // Whoever starts in no time takes nothing away from the others.
            self.starts.add_permits(4 * cores());
        }
        let millis = |it: Duration| usize::try_from(it.as_millis()).unwrap_or(usize::MAX);
        let least = 2 * cores();
        least + (most - least) * millis(LIGHT) / millis(spent.max(LIGHT))
    }

    /// A database that the subject's `migrate` prepared: the template of all others.
    pub async fn migrated(&self) -> StepResult<Database> {
        let prepare = async || {
            let postgres = self.postgres().await?;
            let database = postgres.create_empty().await.map_err(failure)?;
            deployment::migrate(self, &database).await?;
            // The first connection after a change of the schema writes what PostgreSQL's others read:
            // here once, instead of once in each copy.
            drop(postgres.connect(&database).await.map_err(failure)?);
            Ok(database)
        };
        self.migrated.get_or_init(prepare).await.clone()
    }

    /// The deployment of every scenario of a component that changes nothing global.
    pub async fn shared(self: &Rc<Self>, component: Component) -> StepResult<Rc<Deployment>> {
        let start = async || {
            let attached = Attached::shared(self, component).await?;
            let settings = Settings::default();
            let mut deployment = Deployment::new(self.clone(), component, attached, settings);
            deployment.start_ready().await?;
            Ok(Rc::new(deployment))
        };
        self.shared[component as usize]
            .get_or_init(start)
            .await
            .clone()
    }

    /// Ends the shared deployments.
    pub async fn end(&self) {
        for shared in self.shared.iter().filter_map(|it| it.get()?.as_ref().ok()) {
            shared.end().await;
        }
        if let Some(Ok(migrated)) = self.migrated.get() {
            migrated.drop_now().await;
        }
    }

    /// Adds processor time that a subject's process has used.
    pub fn count_cpu(&self, used: Duration) {
        self.subjects_cpu.set(self.subjects_cpu.get() + used);
    }

    /// Processor time of all subjects that have ended, for `--timings`.
    pub fn subjects_cpu(&self) -> Duration {
        self.subjects_cpu.get()
    }
}

fn started<T>(cell: &OnceCell<StepResult<Arc<T>>>) -> Option<&Arc<T>> {
    cell.get()?.as_ref().ok()
}

/// A backend's trouble as a step's failure.
pub fn failure(error: BackendError) -> Failure {
    match error {
        BackendError::Missing { .. } => Failure::Missing {
            reason: error.to_string(),
        },
        BackendError::Broken { .. } => Failure::broken(error),
    }
}
