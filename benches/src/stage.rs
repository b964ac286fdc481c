//! What all benches share: backends as the suite starts them, the subjects, the floor's server.

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

use crate::bare::Bare;
use crate::routes::Routes;
use crate::server::{self, Client, Server, Settings};
use crate::table::target;

/// How many connections the subject may have, and the pool of bare statements has.
pub const CONNECTIONS: u32 = 10;

/// What the benches stand on.
pub struct Stage {
    /// Runs the callers.
    pub runtime: Handle,
    /// The program under test.
    pub program: PathBuf,
    /// What the subject is told.
    pub settings: Settings,
    /// The program under test, serving.
    pub subject: Server,
    /// To the subject.
    pub client: Client,
    /// To the server of the empty call.
    pub empty: Client,
    /// The gateway over the subject, serving.
    pub gateway: Server,
    /// To the gateway.
    pub routes: Routes,
    /// To the server of the empty route.
    pub empty_route: Routes,
    /// To the database, past the subject.
    pub bare: Bare,
    /// Users that are there.
    pub ids: Vec<Uuid>,
    /// The subject's Redis.
    pub redis: RedisLease,
    /// Folder, ports and watchdog of the run.
    pub home: Sandbox,
    /// The server of the empty call and the empty route.
    pub floor: Server,
    /// Dropped on the server with the last of its handles.
    database: Database,
    servers: (Postgres, Redis),
}

impl Stage {
    /// Starts everything, on a database of this many users.
    pub async fn set(users: u32) -> anyhow::Result<Self> {
        let [program, gateway] = build(["user-service", "gateway"])?;
        let home = Sandbox::create(false)?;
        let servers = (
            Postgres::start(Choice::Auto, &home).await?,
            Redis::start(Choice::Auto, &home).await?,
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
        server::migrate(&home, &program, &settings).await?;
        let bare = Bare::fill(&url, users).await?;
        let subject = Server::subject(&home, &program, &settings)?;
        let floor = Server::floor(&home)?;
        subject.ready().await?;
        let gateway = Server::gateway(&home, &gateway, &subject)?;
        gateway.ready().await?;
        Ok(Self {
            runtime: Handle::current(),
            client: subject.connect().await?,
            empty: floor.connect().await?,
            routes: gateway.routes(),
            empty_route: floor.routes(),
            ids: bare.ids().await?,
            program,
            settings,
            subject,
            gateway,
            bare,
            redis,
            home,
            floor,
            database,
            servers,
        })
    }

    /// A user that is there, another for each number.
    pub fn id(&self, number: u64) -> Uuid {
        let place = usize::try_from(number).unwrap_or_default();
        self.ids[place % self.ids.len()]
    }

    /// Ends everything; what this leaves, the watchdog finds.
    pub async fn clear(self) {
        tokio::join!(
            self.gateway.process.kill(),
            self.subject.process.kill(),
            self.floor.process.kill()
        );
        drop((self.redis, self.database));
        let (postgres, redis) = &self.servers;
        tokio::join!(postgres.stop(), redis.stop());
        self.home.finish().await;
    }
}

/// These programs in the profile of this one, as cargo builds them; without cargo, those that are there.
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
