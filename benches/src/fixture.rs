//! What all benches share: backends as the suite starts them, the subjects, the baseline server.

use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

use anyhow::{Context as _, ensure};
use conformance_engine::backends::RunningBackend as _;
use conformance_engine::backends::postgres::{Database, Postgres};
use conformance_engine::backends::provider::Choice;
use conformance_engine::backends::redis::{Redis, RedisLease};
use conformance_engine::sandbox::Sandbox;
use tokio::runtime::Handle;
use uuid::Uuid;

use crate::routes::Routes;
use crate::server::{self, Client, Server, Settings};
use crate::statements::Statements;
use crate::table::target;

/// How many connections the subject and the pool of plain statements may have.
pub const CONNECTIONS: u32 = 10;

/// The programs and backends of all benches.
pub struct Fixture {
    /// Runs the callers.
    pub runtime: Handle,
    /// The program under test.
    pub program: PathBuf,
    /// The subject's environment variables.
    pub settings: Settings,
    /// The program under test, serving.
    pub subject: Server,
    /// Client of the subject.
    pub client: Client,
    /// Client of the server of the empty call.
    pub empty: Client,
    /// The gateway over the subject, serving.
    pub gateway: Server,
    /// Client of the gateway.
    pub routes: Routes,
    /// Client of the server of the empty route.
    pub empty_route: Routes,
    /// The database, without the subject.
    pub statements: Statements,
    /// Ids of existing users.
    pub ids: Vec<Uuid>,
    /// The subject's Redis.
    pub redis: RedisLease,
    /// Folder, ports and watchdog of the run.
    pub sandbox: Sandbox,
    /// The server of the empty call and the empty route.
    pub baseline: Server,
    /// Removed from the server when the last handle is dropped.
    database: Database,
    servers: (Postgres, Redis),
}

impl Fixture {
    /// Starts everything, with a database of this many users.
    pub async fn start(users: u32) -> anyhow::Result<Self> {
        let [program, gateway] = build(["user-service", "gateway"])?;
        let sandbox = Sandbox::create(false)?;
        let servers = (
            Postgres::start(Choice::Auto, &sandbox).await?,
            Redis::start(Choice::Auto, &sandbox).await?,
        );
        let database = servers.0.create_empty().await?;
        let redis = servers.1.lease().await?;
        let url = database.url(servers.0.address());
        let settings = Settings::from([
            ("DATABASE_URL".to_owned(), url.clone()),
            (
                "DATABASE_MAX_CONNECTIONS".to_owned(),
                CONNECTIONS.to_string(),
            ),
            ("REDIS_URL".to_owned(), redis.url(redis.address())),
        ]);
        server::migrate(&sandbox, &program, &settings).await?;
        let statements = Statements::prepare(&url, users).await?;
        let subject = Server::subject(&sandbox, &program, &settings)?;
        let baseline = Server::baseline(&sandbox)?;
        subject.ready().await?;
        let gateway = Server::gateway(&sandbox, &gateway, &subject)?;
        gateway.ready().await?;
        Ok(Self {
            runtime: Handle::current(),
            client: subject.connect().await?,
            empty: baseline.connect().await?,
            routes: gateway.routes(),
            empty_route: baseline.routes(),
            ids: statements.ids().await?,
            program,
            settings,
            subject,
            gateway,
            statements,
            redis,
            sandbox,
            baseline,
            database,
            servers,
        })
    }

    /// The id of an existing user; consecutive numbers get different ones.
    pub fn id(&self, number: u64) -> Uuid {
        let place = usize::try_from(number).unwrap_or_default();
        self.ids[place % self.ids.len()]
    }

    /// Stops everything; the watchdog removes what is left.
    pub async fn stop(self) {
        tokio::join!(
            self.gateway.process.kill(),
            self.subject.process.kill(),
            self.baseline.process.kill()
        );
        drop((self.redis, self.database));
        let (postgres, redis) = &self.servers;
        tokio::join!(postgres.stop(), redis.stop());
        self.sandbox.finish().await;
    }
}

/// Builds these programs in the profile of this one; without cargo, takes the existing ones.
///
/// `cargo bench` builds what is shipped, in a profile of its own. `cargo bench --profile dev` takes the programs that
/// tests use, so that a short run costs no further build.
fn build<const N: usize>(programs: [&str; N]) -> anyhow::Result<[PathBuf; N]> {
    let target = target()?;
    let is_dev = env::current_exe()?.starts_with(target.join("debug"));
    let (profile, built, selects) = if is_dev {
        // Without `--package`: with the features of the whole workspace, as tests are built.
        ("dev", target.join("debug"), "--bin")
    } else {
        ("bench", target.join("release"), "--package")
    };
    if let Some(cargo) = env::var_os("CARGO") {
        let status = Command::new(cargo)
            .args(["build", "--quiet", "--profile", profile])
            .args(programs.iter().flat_map(|it| [selects, it]))
            .arg("--target-dir")
            .arg(&target)
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
            .status()?;
        ensure!(status.success(), "the subjects do not build");
    }
    let mut paths = [const { PathBuf::new() }; N];
    for (path, program) in paths.iter_mut().zip(programs) {
        let program = built.join(program);
        *path = fs::canonicalize(&program).with_context(|| format!("no {}", program.display()))?;
    }
    Ok(paths)
}
