//! Starts server programs on this machine, each in a separate process.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use conformance_engine::sandbox::Sandbox;
use conformance_engine::sandbox::ports::Port;
use conformance_engine::subject::instance::{Instance, Launch};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{interval, timeout};
use tonic::transport::{Channel, Endpoint};
use user_proto::v1::user_service_client::UserServiceClient;

use crate::http_client::HttpClient;

/// The gRPC client of the benches.
pub type Client = UserServiceClient<Channel>;

/// The limit for a program to become ready.
const READY_TIMEOUT: Duration = Duration::from_secs(20);

/// The interval between two readiness probes: the resolution of measured start times.
const POLL_INTERVAL: Duration = Duration::from_millis(1);

/// Environment variables of a program.
pub type Settings = BTreeMap<String, String>;

/// A running server and its ports; dropping it kills the process.
pub struct Server {
    /// The process.
    pub process: Instance,
    grpc: Port,
    http: Port,
    _metrics: Port,
}

impl Server {
    /// Starts the user service with these settings.
    pub fn start_user_service(
        sandbox: &Sandbox,
        program: &Path,
        settings: &Settings,
    ) -> anyhow::Result<Self> {
        Self::start(sandbox, program, settings, |_, _| "serve".to_owned())
    }

    /// Starts the gateway in front of this user service.
    pub fn start_gateway(sandbox: &Sandbox, program: &Path, users: &Self) -> anyhow::Result<Self> {
        let address = format!("http://127.0.0.1:{}", users.grpc.number());
        let settings = Settings::from([("USER_SERVICE_ADDR".to_owned(), address)]);
        Self::start(sandbox, program, &settings, |_, _| "serve".to_owned())
    }

    /// Starts the baseline server.
    pub fn start_baseline(sandbox: &Sandbox) -> anyhow::Result<Self> {
        let program = std::env::current_exe()?;
        Self::start(sandbox, &program, &Settings::new(), |grpc, http| {
            format!("baseline 127.0.0.1:{grpc} 127.0.0.1:{http}")
        })
    }

    fn start(
        sandbox: &Sandbox,
        program: &Path,
        settings: &Settings,
        arguments: impl FnOnce(u16, u16) -> String,
    ) -> anyhow::Result<Self> {
        let mut env = settings.clone();
        let (grpc, http, metrics) = (
            sandbox.ports.take()?,
            sandbox.ports.take()?,
            sandbox.ports.take()?,
        );
        for (variable, port) in [
            ("GRPC_PORT", &grpc),
            ("PORT", &http),
            ("METRICS_PORT", &metrics),
        ] {
            env.insert(variable.to_owned(), port.number().to_string());
        }
        let arguments = arguments(grpc.number(), http.number());
        let process = spawn(sandbox, program, &arguments, env)?;
        Ok(Self {
            process,
            grpc,
            http,
            _metrics: metrics,
        })
    }

    /// Opens a new gRPC connection as soon as the server accepts one.
    pub async fn connect(&self) -> anyhow::Result<Client> {
        let endpoint = Endpoint::from_shared(format!("http://127.0.0.1:{}", self.grpc.number()))?;
        let mut ticks = interval(POLL_INTERVAL);
        let connected = async {
            loop {
                ticks.tick().await;
                if let Ok(channel) = endpoint.connect().await {
                    return UserServiceClient::new(channel);
                }
            }
        };
        timeout(READY_TIMEOUT, connected)
            .await
            .context("the server does not listen")
    }

    /// An HTTP client of the server.
    pub fn http_client(&self) -> HttpClient {
        HttpClient::new(self.http.number())
    }

    /// Waits until `/ready` is 200.
    pub async fn wait_until_ready(&self) -> anyhow::Result<()> {
        let mut ticks = interval(POLL_INTERVAL);
        let ready = async {
            loop {
                ticks.tick().await;
                if is_ready(self.http.number()).await.unwrap_or(false) {
                    return;
                }
            }
        };
        timeout(READY_TIMEOUT, ready)
            .await
            .context("the server does not become ready")
    }
}

/// Starts a program with its output redirected to `/dev/null`; reading the output here would distort the results.
fn spawn(
    sandbox: &Sandbox,
    program: &Path,
    arguments: &str,
    env: Settings,
) -> anyhow::Result<Instance> {
    let launch = Launch {
        name: program.display().to_string(),
        program: "/bin/sh".into(),
        args: vec![
            "-c".to_owned(),
            format!("exec \"$0\" {arguments} > /dev/null"),
            program.display().to_string(),
        ],
        dir: sandbox.folder.path().to_owned(),
        env,
    };
    Ok(Instance::start(&launch, &sandbox.watchdog)?)
}

/// Runs the user service's database migrations.
pub async fn migrate(sandbox: &Sandbox, program: &Path, settings: &Settings) -> anyhow::Result<()> {
    let exit = spawn(sandbox, program, "migrate", settings.clone())?
        .wait_for_exit()
        .await;
    if exit.code != Some(0) {
        bail!("migrate: {exit}");
    }
    Ok(())
}

async fn is_ready(port: u16) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream
        .write_all(b"GET /ready HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await?;
    let mut response = String::new();
    stream.read_to_string(&mut response).await?;
    Ok(response.starts_with("HTTP/1.1 200"))
}
