//! What the suite's own PostgreSQL servers have in common, as processes and in containers.
//!
//! They are quick rather than durable, and meant to show what a deployment's server would show:
//! passwords are checked, the subject is no superuser, text is ordered by a natural language and
//! the time zone is not UTC. An implementation that says what it means (`COLLATE "C"`,
//! `timestamptz`) sees none of it.

use std::net::SocketAddr;

use tokio_postgres::Config;

use super::client::{connect, own_config, version};
use super::server::{Endpoint, Login};

use crate::backends::provider::chain;
use crate::backends::server::random_password;

/// The suite's own role, a superuser.
pub(super) const ADMIN: &str = "conformance";

/// The subject's role.
const SUBJECT: &str = "subject";

/// What databases are made from; no connection to it once it is prepared.
const TEMPLATE: &str = "template1";

/// Any zone but UTC will do, best one whose offset is not a whole hour; initdb ignores it where it is unknown.
pub(super) const TIME_ZONE: &str = "Asia/Kathmandu";

/// What makes the server quick; nothing of it outlives the run.
pub(super) const SETTINGS: &[&str] = &[
    "max_connections=400",
    "shared_buffers=128MB",
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    // A lock that a scenario holds takes no number then, so that a reader who follows
    // changes by pg_snapshot_xmin does not wait for its transaction.
    "wal_level=minimal",
    "max_wal_senders=0",
    "max_wal_size=4GB",
    "checkpoint_timeout=1h",
    // Its workers would sit in a database that is about to be cloned.
    "autovacuum=off",
    "jit=off",
    // A file in the data folder, which goes with it, not one in /dev/shm, which would stay.
    "dynamic_shared_memory_type=mmap",
    "log_checkpoints=off",
];

/// The suite's own way to the maintenance database.
pub(super) fn admin_config(address: SocketAddr, password: &str) -> Config {
    let mut config = own_config(address);
    config.user(ADMIN).password(password);
    config
}

/// Whether a server answers.
pub(super) async fn first_look(config: Config) -> Result<(), String> {
    let client = connect(&config).await?;
    client
        .batch_execute("SELECT 1")
        .await
        .map_err(|error| chain(&error))
}

/// Makes the subject's role; returns how the server is reached, and its version. The role has
/// access to all objects that the suite itself creates in a database, such as a view in the place of a table.
pub(super) async fn prepare(
    address: SocketAddr,
    admin: Config,
) -> Result<(Endpoint, String), String> {
    let mut config = admin.clone();
    let client = connect(config.dbname(TEMPLATE)).await?;
    let password = random_password();
    let mut batch = format!("CREATE ROLE {SUBJECT} LOGIN PASSWORD '{password}'");
    for kind in ["TABLES", "SEQUENCES", "FUNCTIONS", "TYPES", "SCHEMAS"] {
        batch = format!("{batch}; ALTER DEFAULT PRIVILEGES GRANT ALL ON {kind} TO {SUBJECT}");
    }
    client
        .batch_execute(&batch)
        .await
        .map_err(|error| chain(&error))?;
    let version = version(&client).await?;
    let endpoint = Endpoint {
        address,
        admin,
        subject: Login {
            user: SUBJECT.to_owned(),
            password: Some(password),
            parameters: String::new(),
        },
        template: TEMPLATE,
        owner: Some(SUBJECT.to_owned()),
        major: major(&version),
    };
    Ok((endpoint, version))
}

/// The first number of a version.
pub(super) fn major(version: &str) -> u32 {
    let first = version.split(|it: char| !it.is_ascii_digit()).next();
    first.and_then(|it| it.parse().ok()).unwrap_or(0)
}
