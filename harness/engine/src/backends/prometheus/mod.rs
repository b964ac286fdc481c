//! Prometheus: one server, which scrapes the programs of the scenarios that need it every second.
//!
//! - `targets`: what is scraped
//! - `server`: names, and requests to a server
//! - `canary`: whether a server scrapes at all
//! - `process`: a server as a process of this machine
//! - `container`: a server in a container
//! - `external`: the server that `CONFORMANCE_PROMETHEUS_URL` names

mod canary;
mod container;
mod external;
mod process;
mod server;
mod targets;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;

pub use server::SeriesValue;
use server::{Api, PROMETHEUS, broken};
use targets::Targets;
pub use targets::{TARGET_LABEL, Target};

use crate::backends::backend::{Backend, BackendHandle, Route, RunningBackend, choose_route};
use crate::backends::programs::Program;
use crate::backends::provider::{BackendError, BackendInfo, Choice, Description};
use crate::backends::server::{ManagedServer, Workspace};
use crate::sandbox::Sandbox;
use crate::sandbox::host::Host;

/// Prometheus in the registry.
pub(super) struct PrometheusBackend;

#[async_trait]
impl Backend for PrometheusBackend {
    fn description(&self) -> &'static Description {
        &PROMETHEUS
    }

    fn find_program(&self, host: &Host) -> Result<Program, BackendError> {
        process::find_program(host)
    }

    async fn examine(&self, url: &str) -> Result<BackendInfo, BackendError> {
        external::examine(url).await
    }

    async fn start(
        &self,
        route: Route,
        sandbox: &Sandbox,
    ) -> Result<Arc<dyn RunningBackend>, BackendError> {
        Ok(Arc::new(Prometheus::start_via(route, sandbox).await?))
    }
}

/// The Prometheus server of a run.
pub struct Prometheus {
    info: BackendInfo,
    api: Api,
    targets: Targets,
    /// The server, if the suite started it.
    server: Option<Arc<dyn ManagedServer>>,
}

impl Prometheus {
    /// Starts the server, or connects to the external one, and waits until it has scraped a page.
    pub async fn start(choice: Choice, sandbox: &Sandbox) -> Result<Self, BackendError> {
        let route = choose_route(&PrometheusBackend, choice, &sandbox.host).await?;
        Self::start_via(route, sandbox).await
    }

    async fn start_via(route: Route, sandbox: &Sandbox) -> Result<Self, BackendError> {
        let workspace = || Workspace::create(&PROMETHEUS, sandbox);
        let started = match route {
            Route::External(url) => external::start(&url).await?,
            Route::Process(program) => process::start(program, workspace()?).await?,
            Route::Container(image) => container::start(image, workspace()?).await?,
        };
        canary::is_scraped(&started.api, &started.targets).await?;
        Ok(Self {
            info: started.info,
            api: started.api,
            targets: started.targets,
            server: started.server,
        })
    }

    /// The URL of the server.
    #[cfg(test)]
    pub(crate) fn url(&self) -> &str {
        self.api.url()
    }

    /// Scrapes `/metrics` of this address every second, until the target is dropped.
    pub fn scrape(&self, address: SocketAddr) -> Result<Target, BackendError> {
        let added = self.targets.add(address);
        added.map_err(|error| broken(error.to_string(), "check the folder of its targets"))
    }

    /// The series of an instant query in `PromQL`.
    pub async fn query(&self, query: &str) -> Result<Vec<SeriesValue>, BackendError> {
        match self.api.query(query).await {
            Ok(series) => Ok(series),
            Err(cause) => Err(self.diagnose(format!("{query}: {cause}")).await),
        }
    }

    /// Why the newest scrape of a target failed; empty if it succeeded.
    pub async fn last_error(&self, target: &Target) -> Result<String, BackendError> {
        match self.api.last_error((TARGET_LABEL, target.name())).await {
            Ok(error) => Ok(error),
            Err(cause) => Err(self.diagnose(cause).await),
        }
    }

    /// The error to report for a failed request: the server's exit, if it has exited, else `cause`.
    async fn diagnose(&self, cause: String) -> BackendError {
        if let Some(server) = &self.server
            && let Some(error) = server.exit_error_after_failure().await
        {
            return error;
        }
        broken(cause, "check the server")
    }
}

#[async_trait]
impl RunningBackend for Prometheus {
    fn info(&self) -> &BackendInfo {
        &self.info
    }

    async fn check_alive(&self) -> Result<(), BackendError> {
        match self.api.version().await {
            Ok(_) => Ok(()),
            Err(cause) => Err(self.diagnose(cause).await),
        }
    }

    async fn stop(&self) {
        if let Some(server) = &self.server {
            server.stop().await;
        }
    }
}

impl BackendHandle for Prometheus {
    const NAME: &'static str = PROMETHEUS.name;
}

impl fmt::Debug for Prometheus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prometheus")
            .field("info", &self.info)
            .finish_non_exhaustive()
    }
}
