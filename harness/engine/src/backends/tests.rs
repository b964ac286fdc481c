//! The backends on real servers: these tests want PostgreSQL and Redis, and fail without.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::Home;
use super::postgres::Postgres;
use super::provider::{Backend, BackendError, Choice, ProviderKind};
use super::redis::{Redis, RedisLease};
use super::surroundings::Surroundings;
use crate::run::folder::RunFolder;
use crate::run::watchdog::Watchdog;
use crate::subject::ports::Ports;

/// Longer than anything here takes on a busy machine.
const LONG: Duration = Duration::from_secs(20);

/// A home without a watchdog, whose folder goes with it.
struct TestHome(Home);

impl TestHome {
    fn new(surroundings: Surroundings) -> Self {
        let (folder, watchdog) = (RunFolder::create().unwrap(), Watchdog::absent());
        Self(Home {
            ports: Ports::open(&watchdog).unwrap(),
            folder,
            watchdog,
            surroundings: Arc::new(surroundings),
        })
    }

    fn here() -> Self {
        Self::new(Surroundings::here())
    }
}

impl Drop for TestHome {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(self.0.folder.path());
    }
}

async fn postgres(home: &TestHome) -> Postgres {
    Postgres::start(Choice::Process, &home.0).await.unwrap()
}

async fn redis(home: &TestHome) -> Redis {
    Redis::start(Choice::Process, &home.0).await.unwrap()
}

async fn until(what: &str, condition: impl AsyncFn() -> bool) {
    let begun = Instant::now();
    while !condition().await {
        assert!(begun.elapsed() < LONG, "never: {what}");
        tokio::task::yield_now().await;
    }
}

/// The processes whose environment, arguments or working folder name a folder.
fn processes_in(folder: &Path) -> Vec<PathBuf> {
    let folder = folder.to_string_lossy().into_owned();
    let names_it = |process: &PathBuf| {
        let texts =
            ["environ", "cmdline"].map(|it| std::fs::read(process.join(it)).unwrap_or_default());
        let cwd = std::fs::read_link(process.join("cwd")).unwrap_or_default();
        let mut texts = texts.iter().map(|it| String::from_utf8_lossy(it));
        texts.any(|it| it.contains(&folder)) || cwd.starts_with(&folder)
    };
    let all = std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .map(|it| it.path());
    all.filter(names_it).collect()
}

async fn databases(postgres: &Postgres) -> Vec<String> {
    let client = postgres.admin().await.unwrap();
    let names = "SELECT datname FROM pg_database WHERE datname LIKE 'conformance%'";
    client
        .query(names, &[])
        .await
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect()
}

/// What every provider of PostgreSQL does alike.
async fn check_postgres(postgres: &Postgres, kind: ProviderKind) {
    assert_eq!(postgres.info().provider, kind);
    assert!(
        postgres
            .info()
            .version
            .starts_with(|it: char| it.is_ascii_digit())
    );
    let template = postgres.create_empty().await.unwrap();
    let (client, connection) =
        tokio_postgres::connect(&template.url(postgres.address()), tokio_postgres::NoTls)
            .await
            .unwrap();
    let ended = tokio::spawn(connection);
    client
        .batch_execute("CREATE TABLE t (x int); INSERT INTO t VALUES (7)")
        .await
        .unwrap();
    drop(client);
    ended.await.unwrap().unwrap();

    let (one, two) = tokio::join!(
        postgres.clone_from(&template),
        postgres.clone_from(&template)
    );
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_ne!(one.name(), two.name());
    for database in [&one, &two] {
        let client = postgres.connect(database).await.unwrap();
        let row = client
            .query_one("SELECT x, current_setting('application_name') FROM t", &[])
            .await;
        let row = row.unwrap();
        assert_eq!(
            (row.get::<_, i32>(0), row.get::<_, String>(1)),
            (7, "conformance".to_owned())
        );
    }
    one.drop_now().await;
    assert!(!databases(postgres).await.contains(&one.name().to_owned()));
    let name = two.name().to_owned();
    drop(two.clone());
    assert!(
        databases(postgres).await.contains(&name),
        "a clone of the handle is still there"
    );
    drop(two);
    until("the database is dropped in the background", async || {
        !databases(postgres).await.contains(&name)
    })
    .await;
    postgres.alive().await.unwrap();
}

#[tokio::test]
async fn a_postgres_of_its_own_serves_databases_and_leaves_nothing() {
    let home = TestHome::here();
    let begun = Instant::now();
    let postgres = postgres(&home).await;
    println!("started in {:?}", begun.elapsed());
    check_postgres(&postgres, ProviderKind::Process).await;
    let folder = home.0.folder.path().to_owned();
    assert!(!processes_in(&folder).is_empty());
    postgres.stop().await;
    assert_eq!(processes_in(&folder), Vec::<PathBuf>::new());
    assert!(!folder.join("postgres/data").exists());
    drop(home);
    assert!(!folder.exists());
}

#[tokio::test]
async fn the_subject_of_an_own_postgres_meets_what_a_deployment_would_show() {
    let home = TestHome::here();
    let postgres = postgres(&home).await;
    let database = postgres.create_empty().await.unwrap();
    let url = database.url(postgres.address());
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    let facts = "SELECT rolsuper, current_setting('TimeZone') <> 'UTC', 'B' COLLATE \"C\" < 'a', 'B' < 'a',
                 pg_get_userbyid(datdba) = current_user
                 FROM pg_roles, pg_database WHERE rolname = current_user AND datname = current_database()";
    let row = client.query_one(facts, &[]).await.unwrap();
    let facts: Vec<bool> = (0..5).map(|it| row.get(it)).collect();
    assert_eq!(facts, [false, true, true, false, true]);
    client
        .batch_execute("CREATE TABLE t (x int)")
        .await
        .unwrap();

    let wrong = url.replace(database.password().unwrap(), "wrong");
    assert!(
        tokio_postgres::connect(&wrong, tokio_postgres::NoTls)
            .await
            .is_err()
    );
    assert!(!format!("{postgres:?} {database:?}").contains(database.password().unwrap()));
    postgres.stop().await;
}

#[tokio::test]
async fn no_shared_memory_stays_when_an_own_postgres_is_killed() {
    let home = TestHome::here();
    let postgres = postgres(&home).await;
    let lock =
        std::fs::read_to_string(home.0.folder.path().join("postgres/data/postmaster.pid")).unwrap();
    let pid = lock.lines().next().unwrap().parse().unwrap();
    let segment = lock
        .lines()
        .nth(6)
        .unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap()
        .to_owned();
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    until("the segment is gone", async || {
        let segments = std::fs::read_to_string("/proc/sysvipc/shm").unwrap();
        !segments
            .lines()
            .any(|it| it.split_whitespace().nth(1) == Some(&segment))
    })
    .await;
    let error = postgres.alive().await.unwrap_err();
    assert!(matches!(error, BackendError::Broken { .. }), "{error:?}");
    assert!(
        error
            .to_string()
            .contains("its server has ended (signal: 9"),
        "{error}"
    );
    assert!(
        error.to_string().contains("ready to accept connections"),
        "its log: {error}"
    );
    postgres.stop().await;
}

#[tokio::test]
async fn an_external_postgres_gets_the_suite_s_databases_and_is_cleaned() {
    let server_home = TestHome::here();
    let server = postgres(&server_home).await;
    let admin = server.admin().await.unwrap();
    let prepare = "CREATE ROLE \"us er\" LOGIN CREATEDB PASSWORD 'p%w/1';
                   CREATE ROLE poor LOGIN PASSWORD 'x'";
    admin.batch_execute(prepare).await.unwrap();
    for database in ["conformance_5f000000_00ff_3", "conformance_production"] {
        admin
            .batch_execute(&format!("CREATE DATABASE {database} OWNER \"us er\""))
            .await
            .unwrap();
    }
    let port = server.address().port();

    let url = format!(
        "postgres://us%20er:p%25w%2F1@localhost:{port}/postgres?sslmode=require&options=-c%20work_mem%3D7MB"
    );
    let home = TestHome::new(Surroundings::bare([(
        Backend::Postgres.variable(),
        url.as_str(),
    )]));
    let external = Postgres::start(Choice::Auto, &home.0).await.unwrap();
    assert_eq!(
        databases(&external).await,
        ["conformance_production"],
        "old ones are swept"
    );
    check_postgres(&external, ProviderKind::External).await;
    let left = external.create_empty().await.unwrap();
    let client = external.connect(&left).await.unwrap();
    let row = client.query_one("SHOW work_mem", &[]).await.unwrap();
    assert_eq!(row.get::<_, String>(0), "7MB");
    external.stop().await;
    assert_eq!(databases(&server).await, ["conformance_production"]);

    let url = format!("postgres://poor:x@127.0.0.1:{port}/postgres");
    let home = TestHome::new(Surroundings::bare([(
        Backend::Postgres.variable(),
        url.as_str(),
    )]));
    let error = Postgres::start(Choice::Auto, &home.0).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("`poor` may not create databases"),
        "{error}"
    );
    server.stop().await;
}

#[tokio::test]
async fn without_programs_backends_are_missing() {
    let home = TestHome::new(Surroundings::bare([("PATH", "/nowhere")]));
    let postgres = Postgres::start(Choice::Auto, &home.0).await.unwrap_err();
    let redis = Redis::start(Choice::Process, &home.0).await.unwrap_err();
    for error in [postgres, redis] {
        assert!(matches!(error, BackendError::Missing { .. }), "{error:?}");
    }
}

/// What every provider of Redis does alike.
async fn check_redis(redis: &Redis, kind: ProviderKind) {
    assert_eq!(redis.info().provider, kind);
    assert!(
        redis
            .info()
            .version
            .starts_with(|it: char| it.is_ascii_digit())
    );
    let (one, two) = tokio::join!(redis.lease(), redis.lease());
    let (one, two) = (one.unwrap(), two.unwrap());
    write(&one).await;
    assert_eq!(size(&one).await, 1);
    assert_eq!(size(&two).await, 0, "leases do not see each other");
    one.alive().await.unwrap();
    drop((one, two));
    for _ in 0..40 {
        let lease = redis.lease().await.unwrap();
        assert_eq!(size(&lease).await, 0, "a lease is empty");
        write(&lease).await;
    }
    redis.alive().await.unwrap();
}

async fn write(lease: &RedisLease) {
    let client = ::redis::Client::open(lease.url(lease.address())).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    ::redis::cmd("SET")
        .arg("key")
        .arg("value")
        .exec_async(&mut connection)
        .await
        .unwrap();
}

async fn size(lease: &RedisLease) -> u64 {
    let mut connection = lease.connect().await.unwrap();
    ::redis::cmd("DBSIZE")
        .query_async(&mut connection)
        .await
        .unwrap()
}

#[tokio::test]
async fn an_own_redis_serves_leases_and_leaves_nothing() {
    let home = TestHome::here();
    let redis = redis(&home).await;
    check_redis(&redis, ProviderKind::Process).await;
    let folder = home.0.folder.path().to_owned();
    assert!(!processes_in(&folder).is_empty());
    redis.stop().await;
    assert_eq!(processes_in(&folder), Vec::<PathBuf>::new());
    assert!(redis.lease().await.is_err());
}

#[tokio::test]
async fn a_redis_that_comes_back_is_emptied_and_used_again() {
    let home = TestHome::here();
    let redis = redis(&home).await;
    let lease = redis.lease().await.unwrap();
    let pid = lease.pid();
    write(&lease).await;
    drop(lease);
    until("the same server is leased again", async || {
        let lease = redis.lease().await.unwrap();
        lease.pid() == pid && size(&lease).await == 0
    })
    .await;
    redis.stop().await;
}

#[tokio::test]
async fn a_redis_that_was_changed_frozen_or_killed_is_not_used_again() {
    let home = TestHome::here();
    let redis = redis(&home).await;
    let mut spoilt = Vec::new();
    for way in 0..3 {
        let lease = redis.lease().await.unwrap();
        let pid = lease.pid().unwrap();
        let process = Pid::from_raw(pid.try_into().unwrap());
        match way {
            0 => {
                let mut connection = lease.connect().await.unwrap();
                let mut set = ::redis::cmd("CONFIG");
                set.arg("SET").arg("maxmemory").arg("1mb");
                set.exec_async(&mut connection).await.unwrap();
            }
            1 => kill(process, Signal::SIGSTOP).unwrap(),
            _ => {
                kill(process, Signal::SIGKILL).unwrap();
                until("it is known to have ended", async || {
                    lease
                        .alive()
                        .await
                        .is_err_and(|it| it.to_string().contains("has ended"))
                })
                .await;
            }
        }
        spoilt.push(pid);
    }
    until("they are gone", async || {
        !spoilt
            .iter()
            .any(|pid| Path::new(&format!("/proc/{pid}")).exists())
    })
    .await;
    let lease = redis.lease().await.unwrap();
    assert!(!spoilt.contains(&lease.pid().unwrap()));
    lease.alive().await.unwrap();
    drop(lease);
    redis.stop().await;
}

#[tokio::test]
async fn an_external_redis_lends_its_empty_databases_to_two_runs_and_keeps_the_others() {
    let server_home = TestHome::here();
    let server = redis(&server_home).await;
    let foreign = server.lease().await.unwrap();
    let url = foreign.url(foreign.address());
    let seven = format!("{}7", url.strip_suffix('0').unwrap());
    let mut connection = ::redis::Client::open(seven.as_str())
        .unwrap()
        .get_multiplexed_async_connection()
        .await
        .unwrap();
    ::redis::cmd("SET")
        .arg("mine")
        .arg(1)
        .exec_async(&mut connection)
        .await
        .unwrap();
    write(&foreign).await;

    let homes = [(); 2].map(|()| {
        TestHome::new(Surroundings::bare([(
            Backend::Redis.variable(),
            url.as_str(),
        )]))
    });
    let one = Redis::start(Choice::Auto, &homes[0].0).await.unwrap();
    let two = Redis::start(Choice::Auto, &homes[1].0).await.unwrap();
    tokio::join!(
        check_redis(&one, ProviderKind::External),
        check_redis(&two, ProviderKind::External)
    );
    one.stop().await;
    two.stop().await;
    let kept: bool = ::redis::cmd("EXISTS")
        .arg("mine")
        .query_async(&mut connection)
        .await
        .unwrap();
    assert!(kept);
    assert_eq!(
        size(&foreign).await,
        1,
        "the ledger is empty again, the rest untouched"
    );
    drop(foreign);
    server.stop().await;
}

#[tokio::test]
async fn an_external_redis_whose_databases_are_all_lent_makes_a_run_wait() {
    let server_home = TestHome::here();
    let server = redis(&server_home).await;
    let ledger = server.lease().await.unwrap();
    let url = ledger.url(ledger.address());
    let home = TestHome::new(Surroundings::bare([(
        Backend::Redis.variable(),
        url.as_str(),
    )]));
    let external = Redis::start(Choice::Auto, &home.0).await.unwrap();
    let mut leases = Vec::new();
    for _ in 1..16 {
        leases.push(external.lease().await.unwrap());
    }
    let mut waiting = Box::pin(external.lease());
    let early = tokio::time::timeout(Duration::from_millis(100), &mut waiting).await;
    assert!(early.is_err(), "there are 15 databases beside the ledger");
    leases.pop();
    waiting.await.unwrap();
    drop(leases);
    external.stop().await;
    server.stop().await;
}
