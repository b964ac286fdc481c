//! One instance: its ports, links and processes.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use conformance_engine::failure::{Failure, StepResult};
use conformance_engine::network::link::Link;
use conformance_engine::run::outcome::LogExcerpt;
use conformance_engine::sandbox::ports::Port;
use conformance_engine::subject::instance::Instance;

use super::settings::Settings;
use crate::contract::components::{Component, Resource, UsersApi};
use crate::drivers::users::Interface;

/// How many of a program's log lines a failure shows.
const LOG_LINES: usize = 40;

/// The ports that one instance serves on, by their variables.
pub type Ports = BTreeMap<&'static str, Port>;

/// One instance: its ports and links stay the same over restarts.
pub struct Slot {
    /// `user-service #1`.
    pub name: String,
    /// Its ports.
    pub ports: Ports,
    /// Links to its dependencies.
    pub(super) links: BTreeMap<Resource, Link>,
    /// All its processes, the newest last.
    pub(super) runs: Vec<Instance>,
    pub(super) settings: Settings,
    /// Receives its spans, unless a setting names another collector.
    pub(super) collector: SocketAddr,
}

impl Slot {
    /// The newest process.
    pub fn instance(&self) -> StepResult<&Instance> {
        self.runs.last().ok_or_else(|| {
            Failure::broken(format!("{} was not started by the scenario", self.name))
        })
    }

    /// Ok while the newest process runs, else how it ended.
    pub fn runs_on(&self) -> Result<(), String> {
        match self.runs.last().and_then(Instance::exit) {
            None => Ok(()),
            Some(exit) => Err(format!("the program has ended: {exit}")),
        }
    }

    /// The link to a dependency; an error of the suite if the component has no such dependency.
    pub fn link(&self, resource: Resource) -> StepResult<&Link> {
        self.links
            .get(&resource)
            .ok_or_else(|| Failure::broken(format!("{} has no {}", self.name, resource.phrase)))
    }

    /// All its processes, oldest first.
    pub fn runs(&self) -> &[Instance] {
        &self.runs
    }

    /// The port of a variable (`METRICS_PORT`); an error of the suite if the component has no such port.
    pub fn port(&self, variable: &str) -> StepResult<u16> {
        let port = self.ports.get(variable).map(Port::number);
        port.ok_or_else(|| Failure::broken(format!("{} has no {variable}", self.name)))
    }

    /// A URL on `PORT`.
    pub fn http_url(&self, path: &str) -> String {
        let port = self.ports.get("PORT").expect("every component has PORT");
        format!("http://127.0.0.1:{}{path}", port.number())
    }

    /// The URL of the gRPC interface.
    pub fn grpc_url(&self) -> StepResult<String> {
        Ok(format!("http://127.0.0.1:{}", self.port("GRPC_PORT")?))
    }

    /// Where the component takes calls about users.
    pub fn users_interface(&self, component: &Component) -> StepResult<Interface> {
        match component.users_api {
            Some(UsersApi::Grpc) => self.grpc_url().map(Interface::Grpc),
            Some(UsersApi::Http) => Ok(Interface::Http(self.http_url(""))),
            None => Err(Failure::broken(format!(
                "{} takes no calls about users",
                self.name
            ))),
        }
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
