//! A deployment: a database, a Redis and the instances of the program that run on them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use conformance_engine::backends::postgres::Database;
use conformance_engine::backends::redis::RedisLease;
use conformance_engine::failure::{Failure, StepResult};
use conformance_engine::network::link::Link;
use conformance_engine::observe::eventually;
use conformance_engine::run::outcome::LogExcerpt;
use conformance_engine::subject::instance::{Exit, Instance, Launch};
use conformance_engine::subject::ports::Port;

use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;

use crate::drivers::probes;
use crate::site::{Site, failure};

/// The component that this version judges.
pub const COMPONENT: &str = "user-service";

/// CFG-6: how long a program may take from its start to being ready.
pub const START_LIMIT: Duration = Duration::from_secs(10);

/// How many of a program's log lines a failure shows.
const LOG_LINES: usize = 40;

/// The environment variables of a program that differ from the suite's test settings.
#[derive(Clone, Debug, Default)]
pub struct Settings(BTreeMap<String, Option<String>>);

impl Settings {
    /// Sets a variable; an empty value is passed as such.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.insert(name.into(), Some(value.into()));
    }

    /// Leaves a variable out, so that its default holds.
    pub fn unset(&mut self, name: impl Into<String>) {
        self.0.insert(name.into(), None);
    }

    /// These settings on top of the others.
    pub fn extend(&mut self, other: &Self) {
        self.0.extend(other.0.clone());
    }

    fn asks_for(&self, name: &str, value: &str) -> bool {
        self.0
            .get(name)
            .is_some_and(|it| it.as_deref() == Some(value))
    }

    fn apply(&self, environment: &mut BTreeMap<String, String>) {
        for (name, value) in &self.0 {
            match value {
                Some(value) => environment.insert(name.clone(), value.clone()),
                None => environment.remove(name),
            };
        }
    }
}

/// The suite's test settings: short times, so that scenarios are quick.
const TEST_SETTINGS: &[(&str, &str)] = &[
    ("HEALTH_CACHE_TTL", "500ms"),
    ("HEALTH_CHECK_TIMEOUT", "1s"),
    ("SHUTDOWN_TIMEOUT", "5s"),
    ("SERVICE_VERSION", "9.8.7-conformance"),
    ("ENVIRONMENT", "conformance"),
    // What the contract lets an implementation ignore.
    ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
    ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
    ("OTEL_SEMCONV_STABILITY_OPT_IN", "http,database"),
    ("OTEL_METRICS_EXPORTER", "none"),
    ("OTEL_LOGS_EXPORTER", "none"),
];

/// The value of a URL's setting that asks for a password which the backend refuses.
pub const WRONG_PASSWORD: &str = "(with a wrong password)";

/// The refused password, as it is meant and as it stands in a URL.
pub const REFUSED: (&str, &str) = ("wr0ng/p@ss:w#rd", "wr0ng%2Fp%40ss%3Aw%23rd");

/// The URL with another password; one without a user gets the user of its scheme.
fn with_wrong_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (user, place) = match rest.rsplit_once('@') {
        Some((user, place)) => (user.split(':').next().unwrap_or_default(), place),
        None => ("", rest),
    };
    format!("{scheme}://{user}:{}@{place}", REFUSED.1)
}

/// The ports that one instance serves on.
#[derive(Debug)]
pub struct Ports {
    /// `PORT`: health.
    pub http: Port,
    /// `METRICS_PORT`.
    pub metrics: Port,
    /// `GRPC_PORT`.
    pub grpc: Port,
}

/// A place for one instance: its ports and links stay the same over restarts.
pub struct Slot {
    /// `user-service #1`.
    pub name: String,
    /// Where it serves.
    pub ports: Ports,
    /// Its way to the database.
    pub database: Link,
    /// Its way to Redis.
    pub redis: Link,
    /// Every process that ran here, the newest last.
    runs: Vec<Instance>,
    settings: Settings,
}

/// A database, a Redis and the instances that run on them.
pub struct Deployment {
    site: Rc<Site>,
    database: Database,
    redis: RedisLease,
    settings: Settings,
    slots: Vec<Slot>,
}

impl std::fmt::Debug for Deployment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.slots.iter().map(|it| &it.name).collect();
        f.debug_struct("Deployment")
            .field("slots", &names)
            .finish_non_exhaustive()
    }
}

impl Deployment {
    /// A migrated database and an empty Redis, no instance yet.
    pub async fn prepare(site: Rc<Site>, settings: Settings) -> StepResult<Self> {
        let template = site.migrated().await?;
        let postgres = site.postgres().await?;
        let database = postgres
            .as_ref()
            .clone_from(&template)
            .await
            .map_err(failure)?;
        Self::on(site, database, settings).await
    }

    /// The same on an empty database that nobody migrated.
    pub async fn prepare_empty(site: Rc<Site>, settings: Settings) -> StepResult<Self> {
        let database = site
            .postgres()
            .await?
            .create_empty()
            .await
            .map_err(failure)?;
        Self::on(site, database, settings).await
    }

    async fn on(site: Rc<Site>, database: Database, settings: Settings) -> StepResult<Self> {
        let redis = site.redis().await?.lease().await.map_err(failure)?;
        Ok(Self {
            site,
            database,
            redis,
            settings,
            slots: Vec::new(),
        })
    }

    /// The database, for a look behind the interface.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// The Redis, for a look behind the interface.
    pub fn redis(&self) -> &RedisLease {
        &self.redis
    }

    /// The places for instances, in the order of their making.
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// The place with this index; a scenario that names one that it has not made is the suite's fault.
    pub fn slot(&self, index: usize) -> StepResult<&Slot> {
        self.slots
            .get(index)
            .ok_or_else(|| Failure::broken(format!("the scenario has no instance {}", index + 1)))
    }

    /// Makes a place with ports and links of its own, without starting anything in it.
    pub async fn add_slot(&mut self) -> StepResult<usize> {
        let ports = &self.site.home().ports;
        let postgres = self.site.postgres().await?;
        let open = async |upstream| Link::open(ports, upstream).await.map_err(Failure::broken);
        let take = || ports.take().map_err(Failure::broken);
        let slot = Slot {
            name: format!("{COMPONENT} #{}", self.slots.len() + 1),
            ports: Ports {
                http: take()?,
                metrics: take()?,
                grpc: take()?,
            },
            database: open(postgres.address()).await?,
            redis: open(self.redis.address()).await?,
            runs: Vec::new(),
            settings: Settings::default(),
        };
        self.slots.push(slot);
        Ok(self.slots.len() - 1)
    }

    /// Settings for one place alone, on top of the deployment's.
    pub fn set_slot(&mut self, index: usize, settings: &Settings) {
        if let Some(slot) = self.slots.get_mut(index) {
            slot.settings.extend(settings);
        }
    }

    /// Starts the program in a place when it is its turn, without waiting for anything else.
    pub async fn start(&mut self, index: usize) -> StepResult {
        self.start_with(index, &[]).await
    }

    /// The same with arguments (`serve`).
    pub async fn start_with(&mut self, index: usize, args: &[&str]) -> StepResult {
        let turn = self.site.turn_to_start().await?;
        let instance = self.command(index, args)?;
        let port = self.slot(index)?.port("PORT");
        tokio::spawn(hold_until_started(turn, instance.pid(), Some(port)));
        self.slots[index].runs.push(instance);
        Ok(())
    }

    /// Runs another command of the program beside what runs in the place, with its environment.
    pub fn command(&self, index: usize, args: &[&str]) -> StepResult<Instance> {
        let environment = self.environment(index)?;
        let launch = launch(&self.site, &self.slot(index)?.name, args, environment)?;
        Instance::start(&launch, &self.site.home().watchdog)
            .map_err(|error| Failure::mismatch("a program that starts", error))
    }

    /// One more instance, started and ready.
    pub async fn start_ready(&mut self) -> StepResult<usize> {
        let index = self.add_slot().await?;
        self.start(index).await?;
        self.ready(index).await?;
        Ok(index)
    }

    /// Waits until the program is ready, at most for the time of CFG-6.
    pub async fn ready(&self, index: usize) -> StepResult {
        let slot = self.slot(index)?;
        let limit = self.site.patience.stretch(START_LIMIT);
        let url = slot.http_url("/ready");
        let waited = eventually(format!("{} is ready", slot.name), limit, async || {
            if let Some(exit) = slot.instance().ok().and_then(Instance::exit) {
                return Ok(Err(exit));
            }
            probes::is_ready(&url).await.map(Ok)
        })
        .await;
        match waited {
            Ok(Ok(())) => Ok(()),
            Ok(Err(exit)) => Err(Failure::mismatch(
                "a ready program",
                format!("it ended: {exit}"),
            )),
            Err(failure) => Err(failure),
        }
        .map_err(|failure| self.with_log(failure, index))
    }

    fn with_log(&self, failure: Failure, index: usize) -> Failure {
        let lines = self
            .slots
            .get(index)
            .map(|slot| slot.log(None))
            .unwrap_or_default();
        lines
            .lines
            .iter()
            .rev()
            .take(5)
            .rev()
            .fold(failure, |failure, line| {
                failure.detail(format!("log: {line}"))
            })
    }

    /// The complete environment of the program in a place.
    fn environment(&self, index: usize) -> StepResult<BTreeMap<String, String>> {
        let slot = self.slot(index)?;
        let mut environment = base_environment(&self.site)?;
        for (name, value) in TEST_SETTINGS {
            environment.insert((*name).to_owned(), (*value).to_owned());
        }
        let own = [
            ("PORT", slot.ports.http.number().to_string()),
            ("METRICS_PORT", slot.ports.metrics.number().to_string()),
            ("GRPC_PORT", slot.ports.grpc.number().to_string()),
            ("DATABASE_URL", self.database.url(slot.database.address())),
            ("REDIS_URL", self.redis.url(slot.redis.address())),
        ];
        for (name, value) in own {
            environment.insert(name.to_owned(), value);
        }
        self.settings.apply(&mut environment);
        slot.settings.apply(&mut environment);
        for (name, url) in [
            ("DATABASE_URL", self.database.url(slot.database.address())),
            ("REDIS_URL", self.redis.url(slot.redis.address())),
        ] {
            if self.settings.asks_for(name, WRONG_PASSWORD) {
                environment.insert(name.to_owned(), with_wrong_password(&url));
            }
        }
        Ok(environment)
    }

    /// The newest lines of every instance; with `only`, those that hold this text.
    pub fn logs(&self, only: Option<&str>) -> Vec<LogExcerpt> {
        self.slots.iter().map(|slot| slot.log(only)).collect()
    }

    /// Ends everything that runs here and gives database and Redis back.
    pub async fn end(&self) {
        for slot in &self.slots {
            for instance in &slot.runs {
                instance.kill().await;
                self.site.count_cpu(instance.cpu());
            }
        }
        self.database.drop_now().await;
    }
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

    /// Every process that ran here, oldest first.
    pub fn runs(&self) -> &[Instance] {
        &self.runs
    }

    /// The port of `PORT`, `METRICS_PORT` or `GRPC_PORT`.
    pub fn port(&self, variable: &str) -> u16 {
        match variable {
            "PORT" => self.ports.http.number(),
            "METRICS_PORT" => self.ports.metrics.number(),
            _ => self.ports.grpc.number(),
        }
    }

    /// A URL on `PORT`.
    pub fn http_url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.ports.http.number())
    }

    /// The URL of the gRPC interface.
    pub fn grpc_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.grpc.number())
    }

    fn log(&self, only: Option<&str>) -> LogExcerpt {
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

/// How long a command keeps its turn: one that only waits leaves the core to others.
const COMMAND_START: Duration = Duration::from_secs(2);

/// Holds a turn until the program listens, has ended, or is late.
pub async fn hold_until_started(turn: OwnedSemaphorePermit, pid: u32, port: Option<u16>) {
    let process = PathBuf::from(format!("/proc/{pid}"));
    let limit = if port.is_some() {
        START_LIMIT
    } else {
        COMMAND_START
    };
    let mut looks = tokio::time::interval(Duration::from_millis(10));
    let begun = tokio::time::Instant::now();
    while begun.elapsed() < limit && process.exists() {
        looks.tick().await;
        if let Some(port) = port
            && TcpStream::connect(("127.0.0.1", port)).await.is_ok()
        {
            break;
        }
    }
    drop(turn);
}

/// Runs `migrate` on a database, straight, and expects it to succeed.
pub async fn migrate(site: &Site, database: &Database) -> StepResult {
    let limit = site.patience.stretch(Duration::from_secs(30));
    let postgres = site.postgres().await?;
    let mut environment = base_environment(site)?;
    environment.insert("DATABASE_URL".to_owned(), database.url(postgres.address()));
    let launch = launch(site, "user-service migrate", &["migrate"], environment)?;
    let instance = Instance::start(&launch, &site.home().watchdog)
        .map_err(|error| Failure::mismatch("a program that starts", error))?;
    let ended = tokio::time::timeout(limit, instance.exited()).await;
    let shown = match ended {
        Ok(Exit { code: Some(0), .. }) => return Ok(()),
        Ok(exit) => exit.to_string(),
        Err(_) => format!("still running after {} s", limit.as_secs()),
    };
    let mut failure = Failure::mismatch(
        "`migrate` prepares an empty database and exits 0 (CFG-4)",
        shown,
    );
    for line in instance.output().lines().iter().rev().take(5).rev() {
        failure = failure.detail(format!("log: {}", String::from_utf8_lossy(&line.bytes)));
    }
    Err(failure)
}

/// What every program is started with, before any setting of the contract.
fn base_environment(site: &Site) -> StepResult<BTreeMap<String, String>> {
    let source = &site.manifest.components[COMPONENT];
    let mut environment = source.env.clone();
    for name in source
        .inherit
        .iter()
        .map(String::as_str)
        .chain(["PATH", "HOME"])
    {
        if let Ok(value) = std::env::var(name) {
            environment.insert(name.to_owned(), value);
        }
    }
    let folder = site.home().folder.sub("tmp").map_err(Failure::broken)?;
    environment.insert("TMPDIR".to_owned(), folder.to_string_lossy().into_owned());
    environment.insert("LANG".to_owned(), "C.UTF-8".to_owned());
    Ok(environment)
}

fn launch(
    site: &Site,
    name: &str,
    args: &[&str],
    env: BTreeMap<String, String>,
) -> StepResult<Launch> {
    let source = &site.manifest.components[COMPONENT];
    let (program, first) = source
        .command
        .split_first()
        .ok_or_else(|| Failure::broken("the manifest's command is empty"))?;
    // A bare name is looked up in PATH; a path is relative to the manifest.
    let program = if program.contains('/') {
        site.manifest.folder.join(program)
    } else {
        Path::new(program).to_path_buf()
    };
    Ok(Launch {
        name: name.to_owned(),
        program,
        args: first
            .iter()
            .cloned()
            .chain(args.iter().map(|it| (*it).to_owned()))
            .collect(),
        dir: site.manifest.folder.clone(),
        env,
    })
}
