//! A place for one instance, and what runs in it.

use std::collections::BTreeMap;

use conformance_engine::failure::{Failure, StepResult};
use conformance_engine::network::link::Link;
use conformance_engine::run::outcome::LogExcerpt;
use conformance_engine::sandbox::ports::Port;
use conformance_engine::subject::instance::Instance;

use super::settings::Settings;
use crate::component::Resource;

/// How many of a program's log lines a failure shows.
const LOG_LINES: usize = 40;

/// The ports that one instance serves on, by their variables.
pub type Ports = BTreeMap<&'static str, Port>;

/// A place for one instance: its ports and links stay the same over restarts.
pub struct Slot {
    /// `user-service #1`.
    pub name: String,
    /// Where it serves.
    pub ports: Ports,
    /// Its ways to what it attaches to.
    pub(super) links: BTreeMap<Resource, Link>,
    /// Every process that ran here, the newest last.
    pub(super) runs: Vec<Instance>,
    pub(super) settings: Settings,
}

impl Slot {
    /// The newest process of this place.
    pub fn instance(&self) -> StepResult<&Instance> {
        self.runs.last().ok_or_else(|| {
            Failure::broken(format!("{} was not started by the scenario", self.name))
        })
    }

    /// That the newest process runs, or how it ended.
    pub fn runs_on(&self) -> Result<(), String> {
        match self.runs.last().and_then(Instance::exit) {
            None => Ok(()),
            Some(exit) => Err(format!("the program has ended: {exit}")),
        }
    }

    /// Its way to what it attaches to; a resource that its program has not is the scenario's fault.
    pub fn link(&self, resource: Resource) -> StepResult<&Link> {
        self.links
            .get(&resource)
            .ok_or_else(|| Failure::broken(format!("{} has no {}", self.name, resource.name())))
    }

    /// Every process that ran here, oldest first.
    pub fn runs(&self) -> &[Instance] {
        &self.runs
    }

    /// The port of `PORT`, `METRICS_PORT` or `GRPC_PORT`; 0 for one that the program does not serve on.
    pub fn port(&self, variable: &str) -> u16 {
        self.ports.get(variable).map_or(0, Port::number)
    }

    /// A URL on `PORT`.
    pub fn http_url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port("PORT"))
    }

    /// The URL of the gRPC interface.
    pub fn grpc_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port("GRPC_PORT"))
    }

    pub(super) fn log(&self, only: Option<&str>) -> LogExcerpt {
        let lines: Vec<String> = self
            .runs
            .iter()
            .flat_map(|it| it.output().lines())
            .map(|line| String::from_utf8_lossy(&line.bytes).into_owned())
            .filter(|line| only.is_none_or(|it| line.contains(it)))
            .collect();
        let omitted = lines.len().saturating_sub(LOG_LINES);
        LogExcerpt {
            source: self.name.clone(),
            lines: lines.into_iter().skip(omitted).collect(),
            omitted,
        }
    }
}
