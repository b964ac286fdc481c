//! What all benches share: the backends, the subjects and the baseline server.

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

use crate::http_client::HttpClient;
use crate::plain_statements::PlainStatements;
use crate::server::{self, Client, Server, Settings};
use crate::table::target_folder;

/// The maximum number of database connections, both of the subject and of the plain statements.
pub const CONNECTIONS: u32 = 10;

/// The running programs and backends that all benches share.
pub struct Fixture {
    /// The runtime of the callers.
    pub runtime: Handle,
    /// The executable of the user service.
    pub program: PathBuf,
    /// The environment variables of the user service.
    pub settings: Settings,
    /// The running user service.
    pub subject: Server,
    /// A gRPC client of the user service.
    pub client: Client,
    /// A gRPC client of the baseline server.
    pub empty_call: Client,
    /// The running gateway in front of the user service.
    pub gateway: Server,
    /// An HTTP client of the gateway.
    pub gateway_http: HttpClient,
    /// An HTTP client of the baseline server.
    pub baseline_http: HttpClient,
    /// Plain statements on the same database.
    pub statements: PlainStatements,
    /// Ids of existing users.
    pub ids: Vec<Uuid>,
    /// The Redis of the user service.
    pub redis: RedisLease,
    /// The folder, ports and watchdog of the run.
    pub sandbox: Sandbox,
    /// The baseline server, with the empty call and the empty route.
    pub baseline: Server,
    /// The database, which is dropped from the server with its last handle.
    database: Database,
    backends: (Postgres, Redis),
}

impl Fixture {
    /// Starts the backends and all programs, with this many users in the database.
    pub async fn start(users: u32) -> anyhow::Result<Self> {
        let [program, gateway] = build_programs(["user-service", "gateway"])?;
        let sandbox = Sandbox::create(false)?;
        let backends = (
            Postgres::start(Choice::Auto, &sandbox).await?,
            Redis::start(Choice::Auto, &sandbox).await?,
        );
        let database = backends.0.create_empty().await?;
        let redis = backends.1.lease().await?;
        let url = database.url(backends.0.address());
        let settings = Settings::from([
            ("DATABASE_URL".to_owned(), url.clone()),
            (
                "DATABASE_MAX_CONNECTIONS".to_owned(),
                CONNECTIONS.to_string(),
            ),
            ("REDIS_URL".to_owned(), redis.url(redis.address())),
        ]);
        server::migrate(&sandbox, &program, &settings).await?;
        let statements = PlainStatements::create_users(&url, users).await?;
        let subject = Server::start_user_service(&sandbox, &program, &settings)?;
        let baseline = Server::start_baseline(&sandbox)?;
        subject.wait_until_ready().await?;
        let gateway = Server::start_gateway(&sandbox, &gateway, &subject)?;
        gateway.wait_until_ready().await?;
        Ok(Self {
            runtime: Handle::current(),
            client: subject.connect().await?,
            empty_call: baseline.connect().await?,
            gateway_http: gateway.http_client(),
            baseline_http: baseline.http_client(),
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
            backends,
        })
    }

    /// Picks the id of an existing user by number.
    pub fn id(&self, number: u64) -> Uuid {
        let index = usize::try_from(number).unwrap_or_default();
        self.ids[index % self.ids.len()]
    }

    /// Stops everything; the watchdog cleans up what is left.
    pub async fn stop(self) {
        tokio::join!(
            self.gateway.process.kill(),
            self.subject.process.kill(),
            self.baseline.process.kill()
        );
        drop((self.redis, self.database));
        let (postgres, redis) = &self.backends;
        tokio::join!(postgres.stop(), redis.stop());
        self.sandbox.finish().await;
    }
}

/// Builds these programs in this program's own profile; started without cargo, uses the programs that exist.
///
/// `cargo bench` builds the programs as they are shipped, in the profile `bench`. `cargo bench --profile dev` uses
/// those of the tests, so that a short run needs no further build.
fn build_programs<const N: usize>(programs: [&str; N]) -> anyhow::Result<[PathBuf; N]> {
    let target_folder = target_folder()?;
    let is_dev = env::current_exe()?.starts_with(target_folder.join("debug"));
    let (profile, output_folder, selection_flag) = if is_dev {
        // Without `--package`, cargo uses the features of the whole workspace, as for tests.
        ("dev", target_folder.join("debug"), "--bin")
    } else {
        ("bench", target_folder.join("release"), "--package")
    };
    if let Some(cargo) = env::var_os("CARGO") {
        let status = Command::new(cargo)
            .args(["build", "--quiet", "--profile", profile])
            .args(programs.iter().flat_map(|it| [selection_flag, it]))
            .arg("--target-dir")
            .arg(&target_folder)
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
            .status()?;
        ensure!(status.success(), "cannot build the programs");
    }
    let mut paths = [const { PathBuf::new() }; N];
    for (path, program) in paths.iter_mut().zip(programs) {
        let program = output_folder.join(program);
        *path = fs::canonicalize(&program).with_context(|| format!("no {}", program.display()))?;
    }
    Ok(paths)
}
