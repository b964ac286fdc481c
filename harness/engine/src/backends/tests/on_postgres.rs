//! Tests of PostgreSQL with each provider.

use std::path::{Path, PathBuf};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{TestSandbox, containers_of, kill_containers, processes_in, wait_until};
use crate::backends::backend::RunningBackend as _;
use crate::backends::postgres::Postgres;
use crate::backends::provider::{BackendError, Choice, ProviderKind};
use crate::sandbox::host::Host;

async fn start_postgres(sandbox: &TestSandbox) -> Postgres {
    Postgres::start(Choice::Process, &sandbox.0).await.unwrap()
}

/// The folder of the server's data, in memory or in the run's folder.
fn data_folder(sandbox: &TestSandbox) -> PathBuf {
    let in_memory = Path::new("/dev/shm").join(sandbox.0.folder.path().file_name().unwrap());
    let on_disk = sandbox.0.folder.path().join("postgres/data");
    if in_memory.exists() {
        in_memory.join("data")
    } else {
        on_disk
    }
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

/// Checks what every provider of PostgreSQL must do.
async fn check_postgres(postgres: &Postgres, kind: ProviderKind) {
    assert_eq!(postgres.info().provider, kind);
    assert!(
        postgres
            .info()
            .version
            .starts_with(|character: char| character.is_ascii_digit())
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
        "a clone of the handle still exists"
    );
    drop(two);
    wait_until("the database is dropped in the background", async || {
        !databases(postgres).await.contains(&name)
    })
    .await;
    postgres.check_alive().await.unwrap();
}

#[tokio::test]
async fn a_postgres_process_serves_databases_and_leaves_nothing_behind() {
    let sandbox = TestSandbox::local();
    let postgres = start_postgres(&sandbox).await;
    check_postgres(&postgres, ProviderKind::Process).await;
    let folder = sandbox.0.folder.path().to_owned();
    let data = data_folder(&sandbox);
    assert!(data.exists());
    assert!(!processes_in(&folder).is_empty());
    postgres.stop().await;
    assert_eq!(processes_in(&folder), Vec::<PathBuf>::new());
    assert!(!data.exists());
    drop(sandbox);
    assert!(!folder.exists());
}

#[tokio::test]
async fn a_postgres_process_is_set_up_like_a_production_server() {
    let sandbox = TestSandbox::local();
    let postgres = start_postgres(&sandbox).await;
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
    let facts: Vec<bool> = (0..5).map(|column| row.get(column)).collect();
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
async fn a_postgres_process_that_is_killed_leaves_no_shared_memory_and_is_reported() {
    let sandbox = TestSandbox::local();
    let postgres = start_postgres(&sandbox).await;
    let lock = std::fs::read_to_string(data_folder(&sandbox).join("postmaster.pid")).unwrap();
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
    wait_until("the segment is gone", async || {
        let segments = std::fs::read_to_string("/proc/sysvipc/shm").unwrap();
        !segments
            .lines()
            .any(|line| line.split_whitespace().nth(1) == Some(&segment))
    })
    .await;
    let error = postgres.check_alive().await.unwrap_err();
    assert!(matches!(error, BackendError::Broken { .. }), "{error:?}");
    assert!(
        error
            .to_string()
            .contains("its server has ended (signal: 9"),
        "{error}"
    );
    assert!(
        error.to_string().contains("ready to accept connections"),
        "the end of the log is missing: {error}"
    );
    postgres.stop().await;
}

#[tokio::test]
async fn databases_of_a_run_on_an_external_postgres_are_removed_at_its_end() {
    let server_sandbox = TestSandbox::local();
    let server = start_postgres(&server_sandbox).await;
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
    let sandbox = TestSandbox::new(Host::with_variables([(
        "CONFORMANCE_POSTGRES_URL",
        url.as_str(),
    )]));
    let external = Postgres::start(Choice::Auto, &sandbox.0).await.unwrap();
    assert_eq!(
        databases(&external).await,
        ["conformance_production"],
        "stale databases are dropped"
    );
    check_postgres(&external, ProviderKind::External).await;
    let left = external.create_empty().await.unwrap();
    let client = external.connect(&left).await.unwrap();
    let row = client.query_one("SHOW work_mem", &[]).await.unwrap();
    assert_eq!(row.get::<_, String>(0), "7MB");
    external.stop().await;
    assert_eq!(databases(&server).await, ["conformance_production"]);

    let url = format!("postgres://poor:x@127.0.0.1:{port}/postgres");
    let sandbox = TestSandbox::new(Host::with_variables([(
        "CONFORMANCE_POSTGRES_URL",
        url.as_str(),
    )]));
    let error = Postgres::start(Choice::Auto, &sandbox.0).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("`poor` may not create databases"),
        "{error}"
    );
    server.stop().await;
}

#[tokio::test]
#[ignore = "needs a container engine: ci/setup --containers"]
async fn a_postgres_in_a_container_does_what_every_provider_must_do_and_is_removed() {
    let sandbox = TestSandbox::local();
    let postgres = Postgres::start(Choice::Container, &sandbox.0)
        .await
        .unwrap();
    check_postgres(&postgres, ProviderKind::Container).await;
    let database = postgres.create_empty().await.unwrap();
    let admin = postgres.connect(&database).await.unwrap();
    let row = admin.query_one("SHOW timezone", &[]).await.unwrap();
    assert_eq!(row.get::<_, String>(0), "Asia/Kathmandu");
    let row = admin.query_one("SELECT 'b' < 'C'", &[]).await.unwrap();
    assert!(row.get::<_, bool>(0), "a natural language's order");
    assert_eq!(containers_of(&sandbox).await.len(), 1);
    postgres.stop().await;
    assert_eq!(containers_of(&sandbox).await, Vec::<String>::new());
    let error = postgres.check_alive().await.unwrap_err().to_string();
    assert!(error.contains("its container was removed"), "{error}");
}

#[tokio::test]
#[ignore = "needs a container engine: ci/setup --containers"]
async fn a_postgres_whose_container_is_killed_is_reported_with_its_log() {
    let sandbox = TestSandbox::local();
    let postgres = Postgres::start(Choice::Container, &sandbox.0)
        .await
        .unwrap();
    kill_containers(&sandbox).await;
    let error = postgres.check_alive().await.unwrap_err().to_string();
    assert!(
        error.contains("container") && error.contains("ready to accept connections"),
        "{error}"
    );
    postgres.stop().await;
    assert_eq!(containers_of(&sandbox).await, Vec::<String>::new());
}

#[tokio::test]
#[ignore = "needs a container engine: ci/setup --containers"]
async fn an_image_that_cannot_be_pulled_is_named() {
    let mut host = Host::local();
    host.set("CONFORMANCE_POSTGRES_IMAGE", "127.0.0.1:1/nowhere:1");
    let sandbox = TestSandbox::new(host);
    let error = Postgres::start(Choice::Container, &sandbox.0)
        .await
        .unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, BackendError::Missing { .. }), "{text}");
    assert!(
        text.contains("127.0.0.1:1/nowhere:1") && text.contains("ci/images"),
        "{text}"
    );
}
