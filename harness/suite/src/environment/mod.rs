//! What the scenarios of one subject share, each part started when first needed.
//!
//! - [`deployment`]: the instances of one program, and what they depend on

pub mod deployment;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use conformance_engine::backends::Backends;
use conformance_engine::backends::postgres::{Database, Postgres};
use conformance_engine::backends::prometheus::Prometheus;
use conformance_engine::backends::redis::Redis;
use conformance_engine::failure::{Failure, StepResult};
use conformance_engine::manifest::Manifest;
use conformance_engine::observe::Patience;
use conformance_engine::observe::collector::{Answer, Collector};
use conformance_engine::sandbox::Sandbox;
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};

use self::deployment::{Dependencies, Deployment, Settings};
use crate::contract::catalogue::COMPONENTS;
use crate::contract::components::Component;
use crate::drivers::backend_failure;

/// Processor time of a cheap start; a subject with more expensive starts gets fewer scenarios at once, and more time.
const LIGHT: Duration = Duration::from_millis(150);

/// A start that costs more takes all cores by itself, as that of a JVM does, which compiles meanwhile.
const HEAVY: Duration = Duration::from_millis(700);

/// Factor on the processor time of a start, beyond that of a cheap one, until it is done: other programs start at the
/// same time, and those that have started are busy with their scenarios.
const CONCURRENT_STARTS: f64 = 4.0;

/// The cores of this machine.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}

/// What the scenarios of one component share.
#[derive(Default)]
struct Shared {
    migrated: OnceCell<StepResult<Database>>,
    deployment: OnceCell<StepResult<Rc<Deployment>>>,
}

/// What the scenarios of one subject share.
pub struct Environment {
    /// The manifest of the subject.
    pub manifest: Manifest,
    /// The backends of the run.
    pub backends: Rc<Backends>,
    /// Factor for time limits on a slow machine.
    pub patience: Patience,
    /// When the run began.
    pub begun: DateTime<Utc>,
    /// The components that have scenarios in this run.
    judged: RefCell<Vec<&'static Component>>,
    /// By the name of the component.
    shared: BTreeMap<&'static str, Shared>,
    subjects_cpu: Cell<Duration>,
    /// The most processor time that a start has cost.
    start_cost: Cell<Duration>,
    /// One for each core: the contract's times hold on an idle machine, and a start takes a core.
    starts: Arc<Semaphore>,
    /// Receives the spans of every deployment without a collector of its own.
    collector: OnceCell<StepResult<Collector>>,
}

impl Environment {
    /// Nothing is started yet.
    pub fn new(
        manifest: Manifest,
        backends: Rc<Backends>,
        patience: Patience,
        judged: Vec<&'static Component>,
    ) -> Self {
        Self {
            manifest,
            backends,
            patience,
            begun: Utc::now(),
            judged: RefCell::new(judged),
            shared: COMPONENTS
                .iter()
                .map(|it| (it.name, Shared::default()))
                .collect(),
            subjects_cpu: Cell::default(),
            start_cost: Cell::default(),
            starts: Arc::new(Semaphore::new(cores())),
            collector: OnceCell::new(),
        }
    }

    /// Folder, ports and watchdog of the run.
    pub fn home(&self) -> &Sandbox {
        &self.backends.sandbox
    }

    /// Whether the component has scenarios in this run.
    pub fn judges(&self, component: &Component) -> bool {
        self.judged
            .borrow()
            .iter()
            .any(|it| it.name == component.name)
    }

    /// The PostgreSQL server.
    pub async fn postgres(&self) -> StepResult<Arc<Postgres>> {
        Ok(self.backends.handle().await?)
    }

    /// The Redis servers.
    pub async fn redis(&self) -> StepResult<Arc<Redis>> {
        Ok(self.backends.handle().await?)
    }

    /// The Prometheus server.
    pub async fn prometheus(&self) -> StepResult<Arc<Prometheus>> {
        Ok(self.backends.handle().await?)
    }

    /// The collector of every deployment without one of its own.
    pub async fn collector(&self) -> StepResult<&Collector> {
        let start = async || {
            let started = Collector::start(&self.home().ports, Answer::Accept).await;
            started.map_err(Failure::broken)
        };
        let collector = self.collector.get_or_init(start).await;
        collector.as_ref().map_err(Clone::clone)
    }

    /// A permit to start a program, which stands for one core.
    pub async fn start_permit(&self) -> StepResult<OwnedSemaphorePermit> {
        let permit = self.starts.clone().acquire_owned().await;
        permit.map_err(Failure::broken)
    }

    /// How many scenarios may run at once, by the processor time that a start of the subject takes.
    ///
    /// A program whose start costs seconds of a core would delay all others.
    pub async fn suitable_jobs(self: &Rc<Self>) -> usize {
        // Half of the scenarios wait for a time of the contract.
        let most = 24 * cores();
        let judged = self.judged.borrow().clone();
        let shared = judged.iter().map(|it| self.shared(it));
        let shared: Vec<_> = futures::future::join_all(shared).await;
        if shared.iter().all(Result::is_err) {
            return most;
        }
        // The heaviest of the programs.
        let cost = self.start_cost.get();
        if cost <= LIGHT {
            // Fast starts do not delay other scenarios.
            self.starts.add_permits(4 * cores());
        } else if cost > HEAVY {
            self.starts.forget_permits(cores() / 2);
        }
        let millis = |it: Duration| usize::try_from(it.as_millis()).unwrap_or(usize::MAX);
        let least = 2 * cores();
        least + (most - least) * millis(LIGHT) / millis(cost.max(LIGHT))
    }

    /// Records what a start has cost.
    pub fn count_start(&self, cost: Duration) {
        self.start_cost.set(self.start_cost.get().max(cost));
    }

    /// The most that a start has cost so far.
    pub fn start_cost(&self) -> Duration {
        self.start_cost.get()
    }

    /// A limit for what begins with a start: with the allowance for a busy machine, and more for a program whose
    /// start costs much, since it shares the machine with others that start.
    pub fn stretch_start(&self, limit: Duration) -> Duration {
        let beyond = self.start_cost.get().saturating_sub(LIGHT);
        self.patience.stretch(limit) + beyond.mul_f64(CONCURRENT_STARTS * self.patience.factor())
    }

    /// The components that do not start: neither their shared deployment nor, a second time, one like it.
    ///
    /// Such a component is no peer of the others any more: they get a double of it.
    pub async fn unstartable(self: &Rc<Self>) -> Vec<(&'static str, Failure)> {
        let judged = self.judged.borrow().clone();
        let mut unstartable = Vec::new();
        for component in judged {
            let Err(Failure::Mismatch { .. }) = self.shared(component).await else {
                continue;
            };
            let again = self.start_shared(component).await;
            if let Err(failure @ Failure::Mismatch { .. }) = again {
                self.judged.borrow_mut().retain(|it| *it != component);
                unstartable.push((component.name, failure));
            }
        }
        unstartable
    }

    /// The database that the `migrate` of the subject prepared: the template of all others.
    pub async fn migrated(&self, component: &'static Component) -> StepResult<Database> {
        let prepare = async || {
            let postgres = self.postgres().await?;
            let database = postgres.create_empty().await.map_err(backend_failure)?;
            deployment::migrate(self, component, &database).await?;
            // The first connection after a change of the schema writes what PostgreSQL's others read:
            // here once, instead of once in each copy.
            drop(postgres.connect(&database).await.map_err(backend_failure)?);
            Ok(database)
        };
        let migrated = &self.shared_of(component)?.migrated;
        migrated.get_or_init(prepare).await.clone()
    }

    /// The deployment of every scenario of a component that changes nothing global.
    pub async fn shared(
        self: &Rc<Self>,
        component: &'static Component,
    ) -> StepResult<Rc<Deployment>> {
        let deployment = &self.shared_of(component)?.deployment;
        let start = async || self.start_shared(component).await;
        deployment.get_or_init(start).await.clone()
    }

    async fn start_shared(
        self: &Rc<Self>,
        component: &'static Component,
    ) -> StepResult<Rc<Deployment>> {
        let dependencies = Dependencies::shared(self, component).await?;
        let settings = Settings::default();
        let mut deployment = Deployment::new(self.clone(), component, dependencies, settings);
        let started = deployment.start_ready().await;
        if let Err(failure) = started {
            deployment.end().await;
            return Err(failure);
        }
        Ok(Rc::new(deployment))
    }

    /// Ends the shared deployments.
    pub async fn end(&self) {
        for shared in self.shared.values() {
            if let Some(Ok(deployment)) = shared.deployment.get() {
                deployment.end().await;
            }
        }
        for shared in self.shared.values() {
            if let Some(Ok(migrated)) = shared.migrated.get() {
                migrated.drop_now().await;
            }
        }
    }

    fn shared_of(&self, component: &Component) -> StepResult<&Shared> {
        let missing = || Failure::broken(format!("{} is not judged", component.name));
        self.shared.get(component.name).ok_or_else(missing)
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
