//! The world: what one scenario owns.
//!
//! Each area of the steps records what it needs later in a type of its own:
//!
//! - [`users`], [`streams`], [`health`], [`grpc`], [`gateway`], [`process`], [`telemetry`], [`traces`]

pub mod gateway;
pub mod grpc;
pub mod health;
pub mod process;
pub mod streams;
pub mod telemetry;
pub mod traces;
pub mod users;

use std::collections::BTreeMap;
use std::rc::Rc;

use conformance_engine::failure::{Failure, StepResult};
use conformance_engine::run::scenario::{AfterScenario, ScenarioContext, ScenarioHooks};

use self::gateway::GatewayRecord;
use self::grpc::GrpcRecord;
use self::health::HealthRecord;
use self::process::ProcessRecord;
use self::streams::StreamsRecord;
use self::telemetry::TelemetryRecord;
use self::traces::TracesRecord;
use self::users::UsersRecord;
use crate::contract::components::Component;
use crate::drivers::users::Users;
use crate::environment::Environment;
use crate::environment::deployment::{Dependencies, Deployment, Settings};

/// What one scenario owns.
#[derive(cucumber::World)]
#[world(init = Self::outside_of_a_run)]
pub struct World {
    /// The case, the journal, the patience.
    pub scenario: ScenarioContext,
    /// What the whole run shares.
    pub environment: Rc<Environment>,
    /// Which program is judged.
    pub component: &'static Component,
    /// Where the scenario's calls go; the shared deployment unless the scenario makes its own.
    current: CurrentDeployment,
    /// One for each instance that the scenario has talked to.
    clients: BTreeMap<usize, Users>,
    /// Recorded by the steps about users.
    pub users: UsersRecord,
    /// Recorded by the steps about streams.
    pub streams: StreamsRecord,
    /// Recorded by the steps about health.
    pub health: HealthRecord,
    /// Recorded by the steps about gRPC.
    pub grpc: GrpcRecord,
    /// Recorded by the steps about the gateway.
    pub gateway: GatewayRecord,
    /// Recorded by the steps about processes.
    pub process: ProcessRecord,
    /// Recorded by the steps about logs of requests and about metrics.
    pub telemetry: TelemetryRecord,
    /// Recorded by the steps about traces.
    pub traces: TracesRecord,
}

enum CurrentDeployment {
    None,
    Shared(Rc<Deployment>),
    Own(Box<Deployment>),
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World")
            .field("scenario", &self.scenario.id)
            .finish_non_exhaustive()
    }
}

impl World {
    fn new(
        scenario: ScenarioContext,
        environment: Rc<Environment>,
        component: &'static Component,
    ) -> Self {
        Self {
            scenario,
            environment,
            component,
            current: CurrentDeployment::None,
            clients: BTreeMap::new(),
            users: UsersRecord::default(),
            streams: StreamsRecord::default(),
            health: HealthRecord::default(),
            grpc: GrpcRecord::default(),
            gateway: GatewayRecord::default(),
            process: ProcessRecord::default(),
            telemetry: TelemetryRecord::default(),
            traces: TracesRecord::default(),
        }
    }

    /// Cucumber's own runner would ask for a world without a run; ours never does.
    fn outside_of_a_run() -> Result<Self, Failure> {
        Err(Failure::broken("a world is made by the stage of a run"))
    }

    /// Where the scenario's calls go.
    pub async fn deployment(&mut self) -> StepResult<&Deployment> {
        if matches!(self.current, CurrentDeployment::None) {
            self.current =
                CurrentDeployment::Shared(self.environment.shared(self.component).await?);
        }
        match &self.current {
            CurrentDeployment::Shared(deployment) => Ok(deployment),
            CurrentDeployment::Own(deployment) => Ok(deployment),
            CurrentDeployment::None => Err(Failure::broken("the scenario has no deployment")),
        }
    }

    /// The deployment that the scenario made and may change.
    pub fn own(&mut self) -> StepResult<&mut Deployment> {
        match &mut self.current {
            CurrentDeployment::Own(deployment) => Ok(deployment),
            CurrentDeployment::Shared(_) | CurrentDeployment::None => Err(Failure::broken(
                "the step changes a deployment; begin with `Given a deployment of its own`",
            )),
        }
    }

    /// Makes a deployment of the scenario's own, without an instance.
    pub async fn prepare(&mut self, settings: Settings) -> StepResult<&mut Deployment> {
        let dependencies = Dependencies::own(&self.environment, self.component).await?;
        self.prepare_on(dependencies, settings)
    }

    /// The same on what was made for this scenario.
    pub fn prepare_on(
        &mut self,
        dependencies: Dependencies,
        settings: Settings,
    ) -> StepResult<&mut Deployment> {
        if !matches!(self.current, CurrentDeployment::None) {
            return Err(Failure::broken("the scenario has a deployment already"));
        }
        let deployment = Deployment::new(
            self.environment.clone(),
            self.component,
            dependencies,
            settings,
        );
        self.current = CurrentDeployment::Own(Box::new(deployment));
        self.own()
    }

    /// The scenario's client of one instance; its calls go into the journal.
    pub async fn client(&mut self, instance: usize) -> StepResult<Users> {
        if let Some(client) = self.clients.get(&instance) {
            return Ok(client.clone());
        }
        let client = self.fresh_client(instance).await?;
        self.clients.insert(instance, client.clone());
        Ok(client)
    }

    /// A further client of one instance, on a connection of its own.
    pub async fn fresh_client(&mut self, instance: usize) -> StepResult<Users> {
        let deployment = self.deployment().await?;
        let slot = deployment.slot(instance)?;
        let interface = slot.users_interface(deployment.component())?;
        Users::connect(&interface, &self.scenario)
    }

    /// Forgets the clients: the programs that they talked to are gone.
    pub fn forget_clients(&mut self) {
        self.clients.clear();
    }
}

/// Enters and leaves scenarios.
pub struct Hooks {
    /// What the whole run shares.
    pub environment: Rc<Environment>,
}

impl ScenarioHooks for Hooks {
    type World = World;

    async fn before(&self, scenario: ScenarioContext) -> Result<World, Failure> {
        let component = Component::of(&scenario.case)
            .ok_or_else(|| Failure::broken("this version does not judge the component"))?;
        Ok(World::new(scenario, self.environment.clone(), component))
    }

    async fn after(&self, world: World, passed: bool) -> AfterScenario {
        let World {
            scenario,
            environment,
            current,
            traces,
            ..
        } = world;
        let mut after = AfterScenario::default();
        if !passed {
            after.broken = environment.backends.find_broken().await;
            after.logs = match &current {
                CurrentDeployment::Own(deployment) => deployment.logs(None),
                CurrentDeployment::Shared(deployment) => deployment.logs(Some(&scenario.id)),
                CurrentDeployment::None => Vec::new(),
            };
            after.traces = traces.excerpts();
        }
        if let CurrentDeployment::Own(deployment) = current {
            deployment.end().await;
        }
        after
    }
}
