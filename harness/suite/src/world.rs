//! The world: what one scenario owns.

use std::collections::BTreeMap;
use std::rc::Rc;

use conformance_engine::failure::{Failure, StepResult};
use conformance_engine::run::scenario::{AfterScenario, ScenarioContext, ScenarioHooks};

use crate::component::Component;
use crate::deployment::{Attached, Deployment, Settings};
use crate::drivers::users::{Interface, Users};
use crate::site::Site;
use crate::steps::{gateway, grpc, health, process, streams, users};

/// What one scenario owns.
#[derive(cucumber::World)]
#[world(init = Self::outside_of_a_run)]
pub struct World {
    /// The case, the journal, the patience.
    pub scene: ScenarioContext,
    /// What the whole run shares.
    pub site: Rc<Site>,
    /// Which program is judged.
    pub component: Component,
    /// Where the scenario's calls go; the shared deployment unless the scenario makes its own.
    place: Place,
    /// One for each instance that the scenario has talked to.
    clients: BTreeMap<usize, Users>,
    /// What the users' steps remember.
    pub users: users::Notes,
    /// What the streams' steps remember.
    pub streams: streams::Notes,
    /// What the health steps remember.
    pub health: health::Notes,
    /// What the steps of gRPC's plumbing remember.
    pub grpc: grpc::Notes,
    /// What the gateway's steps remember.
    pub gateway: gateway::Notes,
    /// What the process steps remember.
    pub process: process::Notes,
}

enum Place {
    Undecided,
    Shared(Rc<Deployment>),
    Own(Box<Deployment>),
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World")
            .field("scene", &self.scene.id)
            .finish_non_exhaustive()
    }
}

impl World {
    fn new(scene: ScenarioContext, site: Rc<Site>, component: Component) -> Self {
        Self {
            scene,
            site,
            component,
            place: Place::Undecided,
            clients: BTreeMap::new(),
            users: users::Notes::default(),
            streams: streams::Notes::default(),
            health: health::Notes::default(),
            grpc: grpc::Notes::default(),
            gateway: gateway::Notes::default(),
            process: process::Notes::default(),
        }
    }

    /// Cucumber's own runner would ask for a world without a run; ours never does.
    fn outside_of_a_run() -> Result<Self, Failure> {
        Err(Failure::broken("a world is made by the stage of a run"))
    }

    /// Where the scenario's calls go.
    pub async fn deployment(&mut self) -> StepResult<&Deployment> {
        if matches!(self.place, Place::Undecided) {
            self.place = Place::Shared(self.site.shared(self.component).await?);
        }
        match &self.place {
            Place::Shared(deployment) => Ok(deployment),
            Place::Own(deployment) => Ok(deployment),
            Place::Undecided => Err(Failure::broken("the scenario has no deployment")),
        }
    }

    /// The deployment that the scenario made and may change.
    pub fn own(&mut self) -> StepResult<&mut Deployment> {
        match &mut self.place {
            Place::Own(deployment) => Ok(deployment),
            Place::Shared(_) | Place::Undecided => Err(Failure::broken(
                "the step changes a deployment; begin with `Given a deployment of its own`",
            )),
        }
    }

    /// Makes a deployment of the scenario's own, without an instance.
    pub async fn prepare(&mut self, settings: Settings) -> StepResult<&mut Deployment> {
        let attached = Attached::own(&self.site, self.component).await?;
        self.prepare_on(attached, settings)
    }

    /// The same on what was made for this scenario.
    pub fn prepare_on(
        &mut self,
        attached: Attached,
        settings: Settings,
    ) -> StepResult<&mut Deployment> {
        if !matches!(self.place, Place::Undecided) {
            return Err(Failure::broken("the scenario has a deployment already"));
        }
        let deployment = Deployment::new(self.site.clone(), self.component, attached, settings);
        self.place = Place::Own(Box::new(deployment));
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
        let interface = Interface::of(deployment.component(), deployment.slot(instance)?);
        Users::connect(&interface, &self.scene)
    }

    /// Forgets the clients: the programs that they talked to are gone.
    pub fn hang_up(&mut self) {
        self.clients.clear();
    }
}

/// Enters and leaves scenarios.
pub struct Platform {
    /// What the whole run shares.
    pub site: Rc<Site>,
}

impl ScenarioHooks for Platform {
    type World = World;

    async fn before(&self, scene: ScenarioContext) -> Result<World, Failure> {
        let component = Component::of(&scene.case)
            .ok_or_else(|| Failure::broken("this version does not judge the component"))?;
        Ok(World::new(scene, self.site.clone(), component))
    }

    async fn after(&self, world: World, passed: bool) -> AfterScenario {
        let World {
            scene, site, place, ..
        } = world;
        let mut aftermath = AfterScenario::default();
        if !passed {
            aftermath.broken = site.backends.broken().await;
            aftermath.logs = match &place {
                Place::Own(deployment) => deployment.logs(None),
                Place::Shared(deployment) => deployment.logs(Some(&scene.id)),
                Place::Undecided => Vec::new(),
            };
        }
        if let Place::Own(deployment) = place {
            deployment.end().await;
        }
        aftermath
    }
}
