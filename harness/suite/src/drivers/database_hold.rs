//! A request held in flight: the database keeps the statement that writes its row until the suite lets go.
//!
//! Only rows with a mark of the scenario are kept, so that what the program does by itself meanwhile (polls,
//! gauges, health checks) neither waits nor is taken for the request.

use std::time::Duration;

use conformance_engine::backends::postgres::Database;
use conformance_engine::failure::StepResult;
use conformance_engine::observe::eventually;
use tokio_postgres::Client;

use super::database::{self, run};

/// The advisory lock that marked rows wait for; a database of the scenario's own has no other.
const KEY: i64 = 0x636f_6e66;

/// Every write of a marked row waits; dropping it lets go.
pub struct Hold {
    client: Client,
    database: String,
}

impl Hold {
    /// Keeps every statement that writes a row with this mark in it, as text or as the bytes of one.
    ///
    /// The mark stands in the suite's own SQL: letters, digits and hyphens alone.
    pub async fn of_rows_with(mark: &str, client: Client, database: &Database) -> StepResult<Self> {
        let function = format!(
            "SELECT pg_advisory_lock({KEY});
             CREATE FUNCTION conformance_hold() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN
                 IF strpos(NEW::text, '{mark}') > 0
                     OR strpos(NEW::text, encode(convert_to('{mark}', 'UTF8'), 'hex')) > 0 THEN
                     PERFORM pg_advisory_xact_lock_shared({KEY});
                 END IF;
                 RETURN NEW;
             END $$"
        );
        run(&client, &function).await?;
        for table in database::tables(&client).await? {
            let trigger = format!(
                "CREATE TRIGGER conformance_hold BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION conformance_hold()"
            );
            run(&client, &trigger).await?;
        }
        Ok(Self {
            client,
            database: database.name().to_owned(),
        })
    }

    /// Waits until a marked row waits.
    pub async fn is_reached(&self, limit: Duration) -> StepResult {
        let statement = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
                         WHERE l.locktype = 'advisory' AND NOT l.granted AND d.datname = $1";
        eventually("the request writes its row", limit, async || {
            let row = self.client.query_one(statement, &[&self.database]).await;
            match row.and_then(|it| it.try_get::<_, i64>(0)) {
                Ok(1..) => Ok(()),
                Ok(_) => Err("no statement that writes it".to_owned()),
                Err(error) => Err(error.to_string()),
            }
        })
        .await
    }

    /// Lets go.
    pub async fn release(self) -> StepResult {
        run(&self.client, &format!("SELECT pg_advisory_unlock({KEY})")).await
    }
}
