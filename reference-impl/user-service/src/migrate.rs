//! Prepares the database (CFG-4).

use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::PgConnectOptions;
use tokio::time::error::Elapsed;
use tokio::time::timeout;

/// The steps, built into the program.
static MIGRATOR: Migrator = sqlx::migrate!();

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(10);

/// How long all steps may take, waiting for another `migrate` included.
const RUN: Duration = Duration::from_mins(10);

/// The database is not prepared.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// It cannot be reached.
    #[error("cannot connect to the database: {0}")]
    Connect(#[source] sqlx::Error),
    /// A step failed.
    #[error("cannot migrate the database: {0}")]
    Step(#[from] MigrateError),
    /// It does not answer.
    #[error("the database does not answer: {0}")]
    Silent(#[from] Elapsed),
}

/// Takes the steps that were not taken yet. Run twice at once, one waits for the other: sqlx
/// holds an advisory lock meanwhile.
pub async fn run(database: &PgConnectOptions) -> Result<(), MigrationError> {
    let mut connection = timeout(CONNECT, database.connect())
        .await?
        .map_err(MigrationError::Connect)?;
    timeout(RUN, MIGRATOR.run(&mut connection)).await??;
    Ok(())
}
