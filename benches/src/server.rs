//! A program that serves gRPC or HTTP on this machine, as a process of its own.

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

use crate::routes::Routes;

/// The client of every bench.
pub type Client = UserServiceClient<Channel>;

/// How long a program may take until it serves.
const READY: Duration = Duration::from_secs(20);

/// Between two looks whether it serves: what a start is measured by.
const LOOK: Duration = Duration::from_millis(1);

/// Settings of a program.
pub type Settings = BTreeMap<String, String>;

/// What serves, and its ports; dropping it kills the process.
pub struct Server {
    /// The process.
    pub process: Instance,
    grpc: Port,
    http: Port,
    _metrics: Port,
}

impl Server {
    /// Starts the user service with these settings.
    pub fn subject(home: &Sandbox, program: &Path, settings: &Settings) -> anyhow::Result<Self> {
        Self::start(home, program, settings, |_, _| "serve".to_owned())
    }

    /// Starts the gateway, over this user service.
    pub fn gateway(home: &Sandbox, program: &Path, users: &Self) -> anyhow::Result<Self> {
        let address = format!("http://127.0.0.1:{}", users.grpc.number());
        let settings = Settings::from([("USER_SERVICE_ADDR".to_owned(), address)]);
        Self::start(home, program, &settings, |_, _| "serve".to_owned())
    }

    /// Starts the server of the empty call and the empty route.
    pub fn floor(home: &Sandbox) -> anyhow::Result<Self> {
        let program = std::env::current_exe()?;
        Self::start(home, &program, &Settings::new(), |grpc, http| {
            format!("floor 127.0.0.1:{grpc} 127.0.0.1:{http}")
        })
    }

    fn start(
        home: &Sandbox,
        program: &Path,
        settings: &Settings,
        arguments: impl FnOnce(u16, u16) -> String,
    ) -> anyhow::Result<Self> {
        let mut env = settings.clone();
        let (grpc, http, metrics) = (home.ports.take()?, home.ports.take()?, home.ports.take()?);
        for (variable, port) in [
            ("GRPC_PORT", &grpc),
            ("PORT", &http),
            ("METRICS_PORT", &metrics),
        ] {
            env.insert(variable.to_owned(), port.number().to_string());
        }
        let arguments = arguments(grpc.number(), http.number());
        let process = run(home, program, &arguments, env)?;
        Ok(Self {
            process,
            grpc,
            http,
            _metrics: metrics,
        })
    }

    /// A connection of its own, as soon as there can be one.
    pub async fn connect(&self) -> anyhow::Result<Client> {
        let endpoint = Endpoint::from_shared(format!("http://127.0.0.1:{}", self.grpc.number()))?;
        let mut looks = interval(LOOK);
        let connected = async {
            loop {
                looks.tick().await;
                if let Ok(channel) = endpoint.connect().await {
                    return UserServiceClient::new(channel);
                }
            }
        };
        timeout(READY, connected)
            .await
            .context("a server does not listen")
    }

    /// For routes: a connection for each of those who call at once.
    pub fn routes(&self) -> Routes {
        Routes::new(self.http.number())
    }

    /// Waits until `/ready` says so.
    pub async fn ready(&self) -> anyhow::Result<()> {
        let mut looks = interval(LOOK);
        let ready = async {
            loop {
                looks.tick().await;
                if is_ready(self.http.number()).await.unwrap_or(false) {
                    return;
                }
            }
        };
        timeout(READY, ready)
            .await
            .context("the subject is not ready")
    }
}

/// Starts a program. What it writes is thrown away by nobody but the kernel: to read it here would
/// cost time that is measured.
fn run(home: &Sandbox, program: &Path, arguments: &str, env: Settings) -> anyhow::Result<Instance> {
    let launch = Launch {
        name: program.display().to_string(),
        program: "/bin/sh".into(),
        args: vec![
            "-c".to_owned(),
            format!("exec \"$0\" {arguments} > /dev/null"),
            program.display().to_string(),
        ],
        dir: home.folder.path().to_owned(),
        env,
    };
    Ok(Instance::start(&launch, &home.watchdog)?)
}

/// Lets the user service prepare its database.
pub async fn migrate(home: &Sandbox, program: &Path, settings: &Settings) -> anyhow::Result<()> {
    let exit = run(home, program, "migrate", settings.clone())?
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
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer.starts_with("HTTP/1.1 200"))
}
