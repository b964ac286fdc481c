//! Keeps requests in flight: every table is locked until the suite releases the lock.

use std::time::Duration;

use conformance_engine::backends::postgres::Database;
use conformance_engine::failure::{Failure, StepResult};
use conformance_engine::observe::eventually;
use tokio_postgres::Client;

/// Locks on all tables of a database; dropping it releases them.
pub struct Locks {
    client: Client,
    database: String,
}

impl Locks {
    /// Locks every table, so that any statement on one waits.
    pub async fn take(client: Client, database: &Database) -> StepResult<Self> {
        let tables = super::database::tables(&client).await?;
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
        client
            .batch_execute(&statement)
            .await
            .map_err(Failure::broken)?;
        Ok(Self {
            client,
            database: database.name().to_owned(),
        })
    }

    /// Waits until a statement waits for one of the locks.
    pub async fn wait_for_a_waiter(&self) -> StepResult {
        let statement = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
                         WHERE NOT l.granted AND d.datname = $1";
        eventually(
            "the request reaches the database",
            Duration::from_secs(10),
            async || {
                let row = self.client.query_one(statement, &[&self.database]).await;
                match row.and_then(|it| it.try_get::<_, i64>(0)) {
                    Ok(1..) => Ok(()),
                    Ok(_) => Err("no statement waits".to_owned()),
                    Err(error) => Err(error.to_string()),
                }
            },
        )
        .await
    }

    /// Releases the locks.
    pub async fn release(self) -> StepResult {
        self.client
            .batch_execute("ROLLBACK")
            .await
            .map_err(Failure::broken)
    }
}

/// Statements that wait for a lock.
pub mod waiting {
    use std::time::Duration;

    use conformance_engine::backends::postgres::Database;
    use conformance_engine::failure::{Failure, StepResult};
    use conformance_engine::observe::eventually;
    use tokio_postgres::Client;

    /// Waits until no statement of the service waits that began before now.
    pub async fn none_older(client: &Client, database: &Database, limit: Duration) -> StepResult {
        let now = client
            .query_one("SELECT clock_timestamp()::text", &[])
            .await
            .and_then(|it| it.try_get::<_, String>(0))
            .map_err(Failure::broken)?;
        let statement = "SELECT coalesce(min(query), '') FROM pg_stat_activity
                         WHERE datname = $1 AND application_name <> 'conformance' AND state = 'active'
                         AND wait_event_type = 'Lock' AND query_start <= $2::text::timestamptz";
        let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 2] = [&database.name(), &now];
        eventually("no statement waits any more", limit, async || {
            let row = client.query_one(statement, &parameters).await;
            match row.and_then(|it| it.try_get::<_, String>(0)) {
                Ok(query) if query.is_empty() => Ok(()),
                Ok(query) => Err(query),
                Err(error) => Err(error.to_string()),
            }
        })
        .await
    }
}
