//! A deployment: the instances of one program, and what they depend on.
//!
//! - [`settings`]: the environment variables that scenarios set
//! - [`dependencies`]: a database and a Redis, or a user service
//! - [`slot`]: one instance: its ports, links and processes
//! - [`launch`]: how the program is started

mod dependencies;
mod launch;
mod settings;
mod slot;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use conformance_engine::backends::postgres::Database;
use conformance_engine::backends::redis::RedisLease;
use conformance_engine::failure::{Failure, StepResult};
use conformance_engine::network::link::Link;
use conformance_engine::network::own_network;
use conformance_engine::observe::eventually;
use conformance_engine::run::outcome::LogExcerpt;
use conformance_engine::subject::Command;
use conformance_engine::subject::instance::Instance;
use tokio_postgres::Client;

pub use self::dependencies::Dependencies;
use self::launch::subject;
pub use self::launch::{hold_until_started, migrate};
use self::settings::TEST_SETTINGS;
pub use self::settings::{COLLECTOR_VARIABLE, REFUSED, Settings};
pub use self::slot::{Ports, Slot};
use crate::contract::components::Component;
use crate::doubles::user_service::UserServiceDouble;
use crate::drivers::{database, probes};
use crate::environment::Environment;

/// CFG-6: how long a program may take from its start to being ready.
pub const START_LIMIT: Duration = Duration::from_secs(10);

/// The instances of one program, and what they depend on.
pub struct Deployment {
    environment: Rc<Environment>,
    component: &'static Component,
    dependencies: Dependencies,
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
    /// A deployment with its dependencies and no instance yet.
    pub fn new(
        environment: Rc<Environment>,
        component: &'static Component,
        dependencies: Dependencies,
        settings: Settings,
    ) -> Self {
        Self {
            environment,
            component,
            dependencies,
            settings,
            slots: Vec::new(),
        }
    }

    /// The component that runs here.
    pub fn component(&self) -> &'static Component {
        self.component
    }

    /// The database, for checks behind the interface.
    pub fn database(&self) -> StepResult<&Database> {
        let database = self.dependencies.database();
        database.ok_or_else(|| self.lacks("database"))
    }

    /// A connection to the database, past every link.
    pub async fn database_client(&self) -> StepResult<Client> {
        let postgres = self.environment.postgres().await?;
        database::connect(&postgres, self.database()?).await
    }

    /// The Redis, for checks behind the interface.
    pub fn redis(&self) -> StepResult<&RedisLease> {
        let redis = self.dependencies.redis();
        redis.ok_or_else(|| self.lacks("Redis"))
    }

    /// The scripted user service.
    pub fn double(&self) -> StepResult<&Arc<UserServiceDouble>> {
        let double = self.dependencies.double();
        double.ok_or_else(|| self.lacks("scripted user service"))
    }

    /// The deployment of the user service behind a gateway; none where a double takes its place.
    pub fn peer(&self) -> Option<&Rc<Self>> {
        self.dependencies.peer()
    }

    /// The passwords that its instances are given.
    pub fn passwords(&self) -> Vec<&str> {
        self.dependencies.passwords()
    }

    fn lacks(&self, what: &str) -> Failure {
        let name = self.component.name;
        Failure::broken(format!("this deployment of the {name} has no {what}"))
    }

    /// The slots, in the order of their creation.
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// The slot with this index; an index that the scenario did not create is an error of the suite.
    pub fn slot(&self, index: usize) -> StepResult<&Slot> {
        self.slots
            .get(index)
            .ok_or_else(|| Failure::broken(format!("the scenario has no instance {}", index + 1)))
    }

    /// Adds a slot with its own ports and links, without starting anything in it.
    pub async fn add_slot(&mut self) -> StepResult<usize> {
        let ports = &self.environment.home().ports;
        let mut taken = Ports::new();
        for variable in self.component.ports {
            taken.insert(variable, ports.take().map_err(Failure::broken)?);
        }
        let mut links = BTreeMap::new();
        for (resource, address) in self.dependencies.addresses(&self.environment).await? {
            let link = Link::open(ports, address).await.map_err(Failure::broken)?;
            links.insert(resource, link);
        }
        let slot = Slot {
            name: format!("{} #{}", self.component.name, self.slots.len() + 1),
            ports: taken,
            links,
            runs: Vec::new(),
            settings: Settings::default(),
            collector: self.environment.collector().await?.address(),
        };
        self.slots.push(slot);
        Ok(self.slots.len() - 1)
    }

    /// The `service.name` of its programs (TRC-2).
    pub fn service_name(&self) -> &str {
        self.setting("SERVICE_NAME").unwrap_or(self.component.name)
    }

    /// The value that the scenario gave to a variable of every slot.
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.settings.value(name)
    }

    /// Adds settings for one slot to those of the deployment.
    pub fn set_slot(&mut self, index: usize, settings: &Settings) {
        if let Some(slot) = self.slots.get_mut(index) {
            slot.settings.extend(settings);
        }
    }

    /// Starts the program of a slot once a start permit is free, without waiting for readiness.
    pub async fn start(&mut self, index: usize) -> StepResult {
        self.start_with(index, &[]).await
    }

    /// The same with arguments (`serve`).
    pub async fn start_with(&mut self, index: usize, args: &[&str]) -> StepResult {
        let permit = self.environment.start_permit().await?;
        let instance = self.command(index, args)?;
        // The settings of the scenario may change the port.
        let port = self.variables(index)?.get("PORT").cloned();
        let port = port.and_then(|it| it.parse().ok());
        tokio::spawn(hold_until_started(permit, instance.pid(), port));
        self.slots[index].runs.push(instance);
        Ok(())
    }

    /// Starts the program of a slot in a network of its own, with the suite listening on these ports of `localhost`;
    /// the file that will hold what came to them.
    pub async fn start_in_own_network(
        &mut self,
        index: usize,
        ports: &[u16],
    ) -> StepResult<PathBuf> {
        let permit = self.environment.start_permit().await?;
        let folder = self.environment.home().folder.subfolder("own-network");
        let health_port = self.slot(index)?.port("PORT")?;
        // Ports are used again within a run.
        let name = format!("{}.jsonl", uuid::Uuid::new_v4());
        let record = folder.map_err(Failure::broken)?.join(name);
        let launcher =
            own_network::launcher(&record, ports, health_port).map_err(Failure::broken)?;
        let instance = self.launch(index, &[], launcher)?;
        // Its ports cannot be reached from here.
        tokio::spawn(hold_until_started(permit, instance.pid(), None));
        self.slots[index].runs.push(instance);
        Ok(record)
    }

    /// Runs another command of the program while the instance of the slot runs, with the same environment
    /// variables.
    pub fn command(&self, index: usize, args: &[&str]) -> StepResult<Instance> {
        self.launch(index, args, Vec::new())
    }

    fn launch(&self, index: usize, args: &[&str], launcher: Vec<String>) -> StepResult<Instance> {
        let subject = subject(&self.environment, self.component)?;
        subject.start(&Command {
            name: self.slot(index)?.name.clone(),
            arguments: args.iter().map(|it| (*it).to_owned()).collect(),
            environment: self.variables(index)?,
            launcher,
        })
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
        let limit = self.environment.stretch_start(START_LIMIT);
        let url = slot.http_url("/ready");
        let waited = eventually(format!("{} is ready", slot.name), limit, async || {
            if let Some(exit) = slot.instance().ok().and_then(Instance::exit) {
                return Ok(Err(exit));
            }
            probes::is_ready(&url).await.map(Ok)
        })
        .await;
        match waited {
            Ok(Ok(())) => {
                self.environment.count_start(slot.instance()?.cpu());
                Ok(())
            }
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

    /// All environment variables of the program in a slot.
    fn variables(&self, index: usize) -> StepResult<BTreeMap<String, String>> {
        let slot = self.slot(index)?;
        let mut variables = subject(&self.environment, self.component)?.environment()?;
        for (name, value) in TEST_SETTINGS {
            variables.insert((*name).to_owned(), (*value).to_owned());
        }
        for (variable, port) in &slot.ports {
            variables.insert((*variable).to_owned(), port.number().to_string());
        }
        let collector = format!("http://{}", slot.collector);
        variables.insert(COLLECTOR_VARIABLE.to_owned(), collector);
        for (name, value) in self.dependencies.variables(slot, &self.settings)? {
            variables.insert(name.to_owned(), value);
        }
        self.settings.apply(&mut variables);
        slot.settings.apply(&mut variables);
        Ok(variables)
    }

    /// The newest lines of every instance; with `only`, those that hold this text.
    pub fn logs(&self, only: Option<&str>) -> Vec<LogExcerpt> {
        self.slots.iter().map(|slot| slot.log(only)).collect()
    }

    /// Ends all processes and releases the dependencies.
    pub async fn end(&self) {
        for slot in &self.slots {
            for instance in &slot.runs {
                instance.kill().await;
                self.environment.count_cpu(instance.cpu());
            }
        }
        self.dependencies.end().await;
    }
}
