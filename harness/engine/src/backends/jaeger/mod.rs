//! Jaeger: what a collector forwards to it can be queried by trace, service and operation.
//!
//! - `server`: facts, addresses, the probe
//! - `process`: a process of this machine
//! - `container`: a server in a container
//! - `external`: the server that `CONFORMANCE_JAEGER_URL` names

mod container;
mod external;
mod process;
mod server;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;

use self::server::{Endpoints, JAEGER, probe};
use crate::backends::backend::{Backend, BackendHandle, Route, RunningBackend, choose_route};
use crate::backends::programs::Program;
use crate::backends::provider::{BackendError, BackendInfo, Choice, Description, ProviderKind};
use crate::backends::server::{ManagedServer, POLL_INTERVAL, Workspace, pause};
use crate::sandbox::Sandbox;
use crate::sandbox::host::Host;

/// How long a server that runs may take until it answers.
const ALIVE_LIMIT: Duration = Duration::from_secs(10);

/// Jaeger in the registry.
pub(super) struct JaegerBackend;

#[async_trait]
impl Backend for JaegerBackend {
    fn description(&self) -> &'static Description {
        &JAEGER
    }

    fn find_program(&self, host: &Host) -> Result<Program, BackendError> {
        process::find_program(host)
    }

    async fn examine(&self, url: &str) -> Result<BackendInfo, BackendError> {
        let (_, version) = external::start(url).await?;
        Ok(BackendInfo {
            provider: ProviderKind::External,
            version,
        })
    }

    async fn start(
        &self,
        route: Route,
        sandbox: &Sandbox,
    ) -> Result<Arc<dyn RunningBackend>, BackendError> {
        Ok(Arc::new(Jaeger::start_via(route, sandbox).await?))
    }
}

/// The Jaeger of a run, which all scenarios share: each looks only at its own traces.
pub struct Jaeger {
    info: BackendInfo,
    endpoints: Endpoints,
    /// The server that the suite started; none if it is external.
    server: Option<Arc<dyn ManagedServer>>,
}

impl Jaeger {
    /// Starts a server, or connects to the external one, and waits until it answers.
    pub async fn start(choice: Choice, sandbox: &Sandbox) -> Result<Self, BackendError> {
        let route = choose_route(&JaegerBackend, choice, &sandbox.host).await?;
        Self::start_via(route, sandbox).await
    }

    async fn start_via(route: Route, sandbox: &Sandbox) -> Result<Self, BackendError> {
        let workspace = || Workspace::create(&JAEGER, sandbox);
        let (provider, server, endpoints, version) = match route {
            Route::External(url) => {
                let (endpoints, version) = external::start(&url).await?;
                (ProviderKind::External, None, endpoints, version)
            }
            Route::Process(program) => {
                let (server, endpoints) = process::start(&program, &workspace()?).await?;
                (
                    ProviderKind::Process,
                    Some(server),
                    endpoints,
                    program.version,
                )
            }
            Route::Container(image) => {
                let (server, endpoints, version) = container::start(&image, workspace()?).await?;
                (ProviderKind::Container, Some(server), endpoints, version)
            }
        };
        Ok(Self {
            info: BackendInfo { provider, version },
            endpoints,
            server,
        })
    }

    /// Where it takes spans, by OTLP over gRPC.
    pub fn otlp_address(&self) -> SocketAddr {
        self.endpoints.otlp
    }

    /// The URL of its query API, without a slash at its end.
    pub fn query_url(&self) -> &str {
        &self.endpoints.query
    }
}

#[async_trait]
impl RunningBackend for Jaeger {
    fn info(&self) -> &BackendInfo {
        &self.info
    }

    /// A server that is too busy may close a connection, so it is probed again for a while, as long as it runs.
    async fn check_alive(&self) -> Result<(), BackendError> {
        let started = Instant::now();
        loop {
            let Err(cause) = probe(self.endpoints.clone()).await else {
                return Ok(());
            };
            let ended = match &self.server {
                Some(server) => server.exit_error_after_failure().await,
                None => None,
            };
            if ended.is_some() || started.elapsed() >= ALIVE_LIMIT {
                let advice = format!("check the server at {}", self.endpoints.otlp);
                let broken = BackendError::broken(&JAEGER, cause, advice);
                return Err(ended.unwrap_or(broken));
            }
            pause(POLL_INTERVAL).await;
        }
    }

    async fn stop(&self) {
        if let Some(server) = &self.server {
            server.stop().await;
        }
    }
}

impl BackendHandle for Jaeger {
    const NAME: &'static str = JAEGER.name;
}

/// Without the URL, which may hold a password.
impl fmt::Debug for Jaeger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jaeger")
            .field("info", &self.info)
            .field("otlp", &self.endpoints.otlp)
            .finish_non_exhaustive()
    }
}
