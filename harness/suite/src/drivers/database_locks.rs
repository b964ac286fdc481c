//! Statements that the database keeps: every table is locked, or every statement takes its time.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use conformance_engine::backends::postgres::Database;
use conformance_engine::failure::{Failure, StepResult};
use conformance_engine::observe::{elapse, eventually};
use tokio_postgres::Client;

use super::database::{self, run};

/// How long a program is watched for its background statements: longer than its gauges may be old (MET-6).
const WATCHED: Duration = Duration::from_secs(6);

/// Between two looks at what runs.
const LOOKS: Duration = Duration::from_millis(10);

/// All tables of a database, locked; dropping it lets go.
pub struct Locks {
    _client: Client,
}

impl Locks {
    /// Locks every table, so that any statement on one waits.
    pub async fn take(client: Client) -> StepResult<Self> {
        let tables = database::tables(&client).await?;
        if tables.is_empty() {
            return Err(Failure::mismatch(
                "tables that hold the users",
                "none in the database",
            ));
        }
        let statement = format!(
            "BEGIN; LOCK TABLE {} IN ACCESS EXCLUSIVE MODE",
            tables.join(", ")
        );
        run(&client, &statement).await?;
        Ok(Self { _client: client })
    }
}

/// Waits until no statement of the service runs that began before now, but for those that the program makes
/// without any call.
pub async fn none_older(client: &Client, database: &Database, limit: Duration) -> StepResult {
    let now = client
        .query_one("SELECT clock_timestamp()::text", &[])
        .await
        .and_then(|it| it.try_get::<_, String>(0))
        .map_err(Failure::broken)?;
    let gone = eventually(
        "no statement of these calls runs any more",
        limit,
        async || {
            let left = running(client, database, &now).await;
            let left = left.map_err(|it| it.to_string())?;
            left.first().map_or(Ok(()), |query| Err(query.clone()))
        },
    );
    let Err(failure) = gone.await else {
        return Ok(());
    };
    // To find the program's background statements takes time, so that is done only where statements are left.
    let left = running(client, database, &now).await?;
    let background = background_statements(client, database).await?;
    if left.is_subset(&background) {
        Ok(())
    } else {
        Err(failure)
    }
}

/// The statements of the service that run and began no later than `until`.
async fn running(
    client: &Client,
    database: &Database,
    until: &str,
) -> StepResult<BTreeSet<String>> {
    let statement = "SELECT query FROM pg_stat_activity
                     WHERE datname = $1 AND application_name <> 'conformance' AND pid <> pg_backend_pid()
                     AND backend_type = 'client backend' AND state = 'active'
                     AND query_start <= $2::text::timestamptz";
    let rows = client.query(statement, &[&database.name(), &until]).await;
    let rows = rows.map_err(Failure::broken)?;
    let queries = rows.iter().map(|it| it.try_get(0).map_err(Failure::broken));
    queries.collect()
}

/// The statements that the program runs without a call: all are cancelled, and those that run afterwards are its own.
async fn background_statements(
    client: &Client,
    database: &Database,
) -> StepResult<BTreeSet<String>> {
    database::cancel_statements(client, database).await?;
    let begun = Instant::now();
    let mut seen = BTreeSet::new();
    while begun.elapsed() < WATCHED {
        seen.extend(running(client, database, "infinity").await?);
        elapse(LOOKS).await;
    }
    Ok(seen)
}
