//! Settings and roles of PostgreSQL servers that the suite starts, as processes or in containers.
//!
//! The servers are fast rather than durable. They differ from PostgreSQL's defaults as production servers
//! do: passwords are checked, the subject is not a superuser, the collation is that of a natural language
//! and the time zone is not UTC. Implementations that are explicit (`COLLATE "C"`, `timestamptz`) are not
//! affected.

use std::net::SocketAddr;

use tokio_postgres::Config;

use super::client::{connect, suite_config, version};
use super::server::{Endpoint, Login};

use crate::backends::provider::error_chain;
use crate::backends::server::random_password;

/// The suite's role, a superuser.
pub(super) const ADMIN_ROLE: &str = "conformance";

/// The subject's role.
const SUBJECT_ROLE: &str = "subject";

/// The template of empty databases; no connection to it is open once it is prepared.
const TEMPLATE_DATABASE: &str = "template1";

/// A time zone other than UTC, with an offset that is not a whole hour. initdb ignores it if it is unknown.
pub(super) const TIME_ZONE: &str = "Asia/Kathmandu";

/// Settings that trade durability for speed.
pub(super) const SETTINGS: &[&str] = &[
    "max_connections=400",
    "shared_buffers=128MB",
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    // At this level a lock does not assign a transaction id. So a scenario that holds a lock does not
    // delay implementations that read changes up to pg_snapshot_xmin.
    "wal_level=minimal",
    "max_wal_senders=0",
    "max_wal_size=4GB",
    "checkpoint_timeout=1h",
    // Its workers would connect to databases that are about to be copied, which prevents the copy.
    "autovacuum=off",
    "jit=off",
    // Files in the data folder are removed with it; files in /dev/shm would remain.
    "dynamic_shared_memory_type=mmap",
    "log_checkpoints=off",
];

/// The suite's connection settings for the maintenance database.
pub(super) fn admin_config(address: SocketAddr, password: &str) -> Config {
    let mut config = suite_config(address);
    config.user(ADMIN_ROLE).password(password);
    config
}

/// Fails unless the server answers.
pub(super) async fn probe(config: Config) -> Result<(), String> {
    let client = connect(&config).await?;
    client
        .batch_execute("SELECT 1")
        .await
        .map_err(|error| error_chain(&error))
}

/// Creates the subject's role; returns the endpoint and the server's version. The subject gets access to
/// everything that the suite creates in a database, such as a view that replaces a table.
pub(super) async fn prepare(
    address: SocketAddr,
    admin: Config,
) -> Result<(Endpoint, String), String> {
    let mut config = admin.clone();
    let client = connect(config.dbname(TEMPLATE_DATABASE)).await?;
    let password = random_password();
    let mut batch = format!("CREATE ROLE {SUBJECT_ROLE} LOGIN PASSWORD '{password}'");
    for kind in ["TABLES", "SEQUENCES", "FUNCTIONS", "TYPES", "SCHEMAS"] {
        batch = format!("{batch}; ALTER DEFAULT PRIVILEGES GRANT ALL ON {kind} TO {SUBJECT_ROLE}");
    }
    client
        .batch_execute(&batch)
        .await
        .map_err(|error| error_chain(&error))?;
    let version = version(&client).await?;
    let endpoint = Endpoint {
        address,
        admin,
        subject: Login {
            user: SUBJECT_ROLE.to_owned(),
            password: Some(password),
            parameters: String::new(),
        },
        template: TEMPLATE_DATABASE,
        owner: Some(SUBJECT_ROLE.to_owned()),
        major: major(&version),
    };
    Ok((endpoint, version))
}

/// The major version: 15 of `15.18`.
pub(super) fn major(version: &str) -> u32 {
    let first = version
        .split(|character: char| !character.is_ascii_digit())
        .next();
    first.and_then(|number| number.parse().ok()).unwrap_or(0)
}
