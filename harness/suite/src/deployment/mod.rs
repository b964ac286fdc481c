//! A deployment: the instances of one program, and what they attach to.
//!
//! - [`attached`]: a database and a Redis, or a user service
//! - [`settings`]: the environment variables that scenarios set
//! - [`slot`]: a place for one instance, and what runs in it
//! - [`programs`]: how the program is started

mod attached;
mod programs;
mod settings;
mod slot;

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use conformance_engine::backends::postgres::Database;
use conformance_engine::backends::redis::RedisLease;
use conformance_engine::failure::{Failure, StepResult};
use conformance_engine::network::link::Link;
use conformance_engine::observe::eventually;
use conformance_engine::run::outcome::LogExcerpt;
use conformance_engine::subject::instance::Instance;

pub use self::attached::Attached;
use self::programs::{base_environment, launch};
pub use self::programs::{hold_until_started, migrate};
use self::settings::TEST_SETTINGS;
pub use self::settings::{REFUSED, Settings};
pub use self::slot::{Ports, Slot};
use crate::component::Component;
use crate::doubles::user_service::UserServiceDouble;
use crate::drivers::probes;
use crate::site::Site;

/// CFG-6: how long a program may take from its start to being ready.
pub const START_LIMIT: Duration = Duration::from_secs(10);

/// The instances of one program, and what they attach to.
pub struct Deployment {
    site: Rc<Site>,
    component: Component,
    attached: Attached,
    settings: Settings,
    slots: Vec<Slot>,
}

impl std::fmt::Debug for Deployment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.slots.iter().map(|it| &it.name).collect();
        f.debug_struct("Deployment")
            .field("slots", &names)
            .finish_non_exhaustive()
    }
}

impl Deployment {
    /// What the program attaches to is there; no instance yet.
    pub fn new(
        site: Rc<Site>,
        component: Component,
        attached: Attached,
        settings: Settings,
    ) -> Self {
        Self {
            site,
            component,
            attached,
            settings,
            slots: Vec::new(),
        }
    }

    /// Which program runs here.
    pub fn component(&self) -> Component {
        self.component
    }

    /// The database, for a look behind the interface.
    pub fn database(&self) -> StepResult<&Database> {
        match &self.attached {
            Attached::Backends { database, .. } => Ok(database),
            _ => Err(self.lacks("database")),
        }
    }

    /// The Redis, for a look behind the interface.
    pub fn redis(&self) -> StepResult<&RedisLease> {
        match &self.attached {
            Attached::Backends { redis, .. } => Ok(redis),
            _ => Err(self.lacks("Redis")),
        }
    }

    /// What stands in for the user service.
    pub fn double(&self) -> StepResult<&Arc<UserServiceDouble>> {
        match &self.attached {
            Attached::Double { double, .. } => Ok(double),
            _ => Err(self.lacks("scripted user service")),
        }
    }

    fn lacks(&self, what: &str) -> Failure {
        let name = self.component.name();
        Failure::broken(format!("this deployment of the {name} has no {what}"))
    }

    /// The places for instances, in the order of their making.
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// The place with this index; a scenario that names one that it has not made is the suite's fault.
    pub fn slot(&self, index: usize) -> StepResult<&Slot> {
        self.slots
            .get(index)
            .ok_or_else(|| Failure::broken(format!("the scenario has no instance {}", index + 1)))
    }

    /// Makes a place with ports and links of its own, without starting anything in it.
    pub async fn add_slot(&mut self) -> StepResult<usize> {
        let ports = &self.site.home().ports;
        let mut taken = Ports::new();
        for variable in self.component.ports() {
            taken.insert(variable, ports.take().map_err(Failure::broken)?);
        }
        let mut links = BTreeMap::new();
        for (resource, address) in self.attached.addresses(&self.site).await? {
            let link = Link::open(ports, address).await.map_err(Failure::broken)?;
            links.insert(resource, link);
        }
        let slot = Slot {
            name: format!("{} #{}", self.component.name(), self.slots.len() + 1),
            ports: taken,
            links,
            runs: Vec::new(),
            settings: Settings::default(),
        };
        self.slots.push(slot);
        Ok(self.slots.len() - 1)
    }

    /// Settings for one place alone, on top of the deployment's.
    pub fn set_slot(&mut self, index: usize, settings: &Settings) {
        if let Some(slot) = self.slots.get_mut(index) {
            slot.settings.extend(settings);
        }
    }

    /// Starts the program in a place when it is its turn, without waiting for anything else.
    pub async fn start(&mut self, index: usize) -> StepResult {
        self.start_with(index, &[]).await
    }

    /// The same with arguments (`serve`).
    pub async fn start_with(&mut self, index: usize, args: &[&str]) -> StepResult {
        let turn = self.site.turn_to_start().await?;
        let instance = self.command(index, args)?;
        // Whatever the scenario's settings make of it.
        let port = self.environment(index)?.get("PORT").cloned();
        let port = port.and_then(|it| it.parse().ok());
        tokio::spawn(hold_until_started(turn, instance.pid(), port));
        self.slots[index].runs.push(instance);
        Ok(())
    }

    /// Runs another command of the program beside what runs in the place, with its environment.
    pub fn command(&self, index: usize, args: &[&str]) -> StepResult<Instance> {
        let environment = self.environment(index)?;
        let name = &self.slot(index)?.name;
        let launch = launch(&self.site, self.component, name, args, environment)?;
        Instance::start(&launch, &self.site.home().watchdog)
            .map_err(|error| Failure::mismatch("a program that starts", error))
    }

    /// One more instance, started and ready.
    pub async fn start_ready(&mut self) -> StepResult<usize> {
        let index = self.add_slot().await?;
        self.start(index).await?;
        self.ready(index).await?;
        Ok(index)
    }

    /// Waits until the program is ready, at most for the time of CFG-6.
    pub async fn ready(&self, index: usize) -> StepResult {
        let slot = self.slot(index)?;
        let limit = self.site.patience.stretch(START_LIMIT);
        let url = slot.http_url("/ready");
        let waited = eventually(format!("{} is ready", slot.name), limit, async || {
            if let Some(exit) = slot.instance().ok().and_then(Instance::exit) {
                return Ok(Err(exit));
            }
            probes::is_ready(&url).await.map(Ok)
        })
        .await;
        match waited {
            Ok(Ok(())) => Ok(()),
            Ok(Err(exit)) => Err(Failure::mismatch(
                "a ready program",
                format!("it ended: {exit}"),
            )),
            Err(failure) => Err(failure),
        }
        .map_err(|failure| self.with_log(failure, index))
    }

    fn with_log(&self, failure: Failure, index: usize) -> Failure {
        let lines = self
            .slots
            .get(index)
            .map(|slot| slot.log(None))
            .unwrap_or_default();
        lines
            .lines
            .iter()
            .rev()
            .take(5)
            .rev()
            .fold(failure, |failure, line| {
                failure.detail(format!("log: {line}"))
            })
    }

    /// The complete environment of the program in a place.
    fn environment(&self, index: usize) -> StepResult<BTreeMap<String, String>> {
        let slot = self.slot(index)?;
        let mut environment = base_environment(&self.site, self.component)?;
        for (name, value) in TEST_SETTINGS {
            environment.insert((*name).to_owned(), (*value).to_owned());
        }
        for (variable, port) in &slot.ports {
            environment.insert((*variable).to_owned(), port.number().to_string());
        }
        for (name, value) in self.attached.variables(slot, &self.settings)? {
            environment.insert(name.to_owned(), value);
        }
        self.settings.apply(&mut environment);
        slot.settings.apply(&mut environment);
        Ok(environment)
    }

    /// The newest lines of every instance; with `only`, those that hold this text.
    pub fn logs(&self, only: Option<&str>) -> Vec<LogExcerpt> {
        self.slots.iter().map(|slot| slot.log(only)).collect()
    }

    /// Ends everything that runs here and gives back what was lent.
    pub async fn end(&self) {
        for slot in &self.slots {
            for instance in &slot.runs {
                instance.kill().await;
                self.site.count_cpu(instance.cpu());
            }
        }
        self.attached.end().await;
    }
}
