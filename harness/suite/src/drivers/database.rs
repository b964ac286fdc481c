//! The database behind the service, over a connection of the suite.
//!
//! Tables are looked up in the system catalogue, since an implementation chooses their names.

use std::time::Duration;

use conformance_engine::backends::postgres::{Database, Postgres};
use conformance_engine::failure::{Failure, StepResult};
use tokio_postgres::Client;

use super::backend_failure;

/// A word in the errors of the database: it must appear in the log and in no answer.
pub const WORD: &str = "xylophone_quarrel";

/// A connection past every link.
pub async fn connect(postgres: &Postgres, database: &Database) -> StepResult<Client> {
    postgres.connect(database).await.map_err(backend_failure)
}

/// How the database refuses writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteRefusal {
    /// A trigger before each row.
    RowTrigger,
    /// A check that no row passes; it does not affect deletes.
    Constraint,
    /// A trigger at the commit.
    CommitTrigger,
}

const REFUSE: &str = "CREATE FUNCTION conformance_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
     BEGIN RAISE EXCEPTION 'xylophone_quarrel: the database refuses this write'; END $$";

/// Makes every write of every table fail.
pub async fn refuse_writes(client: &Client, means: WriteRefusal) -> StepResult {
    run(client, REFUSE).await?;
    for table in tables(client).await? {
        let statement = match means {
            WriteRefusal::RowTrigger => format!(
                "CREATE TRIGGER conformance_refusal BEFORE INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION conformance_refuse()"
            ),
            WriteRefusal::Constraint => format!(
                "ALTER TABLE {table} ADD CONSTRAINT conformance_{WORD} CHECK (false) NOT VALID"
            ),
            WriteRefusal::CommitTrigger => format!(
                "CREATE CONSTRAINT TRIGGER conformance_refusal AFTER INSERT OR UPDATE OR DELETE ON {table} DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION conformance_refuse()"
            ),
        };
        run(client, &statement).await?;
    }
    Ok(())
}

/// Delays each commit of a write by a random time of up to `most`, so that transactions become visible in another
/// order than they began in.
pub async fn delay_commits(client: &Client, most: Duration) -> StepResult {
    let seconds = most.as_secs_f64();
    let function = format!(
        "CREATE FUNCTION conformance_delay() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN PERFORM pg_sleep(random() * random() * {seconds}); RETURN NULL; END $$"
    );
    run(client, &function).await?;
    for table in tables(client).await? {
        let trigger = format!(
            "CREATE CONSTRAINT TRIGGER conformance_delay AFTER INSERT OR UPDATE OR DELETE ON {table} DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION conformance_delay()"
        );
        run(client, &trigger).await?;
    }
    Ok(())
}

/// Undoes the triggers of [`refuse_writes`].
pub async fn allow_writes(client: &Client) -> StepResult {
    run(client, "DROP FUNCTION conformance_refuse() CASCADE").await
}

/// Replaces every table by a view that fails for each row that is read.
pub async fn refuse_reads(client: &Client) -> StepResult {
    run(
        client,
        "CREATE FUNCTION conformance_refuse_read() RETURNS boolean LANGUAGE plpgsql AS $$
         BEGIN RAISE EXCEPTION 'xylophone_quarrel: the database refuses this read'; END $$",
    )
    .await?;
    hide_behind_views(client, "conformance_refuse_read()").await
}

/// Replaces every table by a view that evaluates this condition for each row.
async fn hide_behind_views(client: &Client, condition: &str) -> StepResult {
    for table in tables(client).await? {
        let (schema, name) = table
            .split_once('.')
            .ok_or_else(|| Failure::broken("a table without a schema"))?;
        let hidden = format!("\"conformance_hidden_{}", name.trim_start_matches('"'));
        run(client, &format!("ALTER TABLE {table} RENAME TO {hidden}")).await?;
        run(
            client,
            &format!("CREATE VIEW {table} AS SELECT * FROM {schema}.{hidden} WHERE {condition}"),
        )
        .await?;
    }
    Ok(())
}

/// Ends every connection but the suite's own.
pub async fn close_connections(client: &Client, database: &Database) -> StepResult {
    let statement = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                     WHERE datname = $1 AND pid <> pg_backend_pid() AND application_name <> 'conformance'";
    client
        .execute(statement, &[&database.name()])
        .await
        .map(|_| ())
        .map_err(Failure::broken)
}

/// Cancels every running statement of the service, and leaves its connections open.
pub async fn cancel_statements(client: &Client, database: &Database) -> StepResult {
    let statement = "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity
                     WHERE datname = $1 AND pid <> pg_backend_pid() AND application_name <> 'conformance'
                     AND state = 'active'";
    let cancelled = client.execute(statement, &[&database.name()]).await;
    cancelled.map(|_| ()).map_err(Failure::broken)
}

/// Makes every statement that reads or writes a row of a table take so long.
pub async fn slow_statements(client: &Client, time: Duration) -> StepResult {
    let seconds = time.as_secs_f64();
    let functions = format!(
        "CREATE FUNCTION conformance_slow_write() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN PERFORM pg_sleep({seconds}); RETURN NULL; END $$;
         CREATE FUNCTION conformance_slow_read() RETURNS boolean LANGUAGE plpgsql AS $$
         BEGIN PERFORM pg_sleep({seconds}); RETURN true; END $$"
    );
    run(client, &functions).await?;
    for table in tables(client).await? {
        let trigger = format!(
            "CREATE TRIGGER conformance_slow AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION conformance_slow_write()"
        );
        run(client, &trigger).await?;
    }
    hide_behind_views(client, "conformance_slow_read()").await
}

/// How many connections the service holds, by the server's own list; what the server itself does in the
/// database (its vacuum workers, the parallel workers of a statement) is none.
pub async fn connections(client: &Client, database: &Database) -> StepResult<i64> {
    let statement = "SELECT count(*) FROM pg_stat_activity
                     WHERE datname = $1 AND backend_type = 'client backend'
                     AND pid <> pg_backend_pid() AND application_name <> 'conformance'";
    let row = client
        .query_one(statement, &[&database.name()])
        .await
        .map_err(Failure::broken)?;
    row.try_get(0).map_err(Failure::broken)
}

/// Every row of every table as text.
pub async fn dump(client: &Client) -> StepResult<Vec<String>> {
    let mut lines = Vec::new();
    for table in tables(client).await? {
        let rows = client
            .query(&format!("SELECT t::text FROM {table} AS t"), &[])
            .await
            .map_err(Failure::broken)?;
        for row in rows {
            let line: Option<String> = row.try_get(0).map_err(Failure::broken)?;
            lines.extend(line);
        }
    }
    Ok(lines)
}

/// Every ordinary table outside of the server's own schemas, quoted and with its schema.
pub async fn tables(client: &Client) -> StepResult<Vec<String>> {
    let statement = "SELECT format('%I.\"%s\"', n.nspname, replace(c.relname, '\"', '\"\"'))
                     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                     WHERE c.relkind = 'r' AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'";
    let rows = client
        .query(statement, &[])
        .await
        .map_err(Failure::broken)?;
    rows.iter()
        .map(|it| it.try_get(0).map_err(Failure::broken))
        .collect()
}

/// The whole content of a database as sorted lines: relations, columns, indexes, constraints, rows.
pub async fn snapshot(client: &Client) -> StepResult<Vec<String>> {
    let statement = "SELECT format('relation %s %s %s', n.nspname, c.relname, c.relkind) FROM pg_class c
                         JOIN pg_namespace n ON n.oid = c.relnamespace
                         WHERE n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
                     UNION ALL SELECT format('column %s.%s.%s %s %s %s', table_schema, table_name, column_name, data_type, is_nullable, column_default)
                         FROM information_schema.columns
                         WHERE table_schema NOT IN ('information_schema', 'pg_catalog')
                     UNION ALL SELECT format('index %s', indexdef) FROM pg_indexes
                         WHERE schemaname <> 'pg_catalog'
                     UNION ALL SELECT format('constraint %s %s', conrelid::regclass, pg_get_constraintdef(oid)) FROM pg_constraint
                         WHERE conrelid <> 0";
    let rows = client
        .query(statement, &[])
        .await
        .map_err(Failure::broken)?;
    let mut lines: Vec<String> = dump(client).await?;
    for row in rows {
        lines.push(row.try_get(0).map_err(Failure::broken)?);
    }
    lines.sort_unstable();
    Ok(lines)
}

/// Refuses new connections to the database, and ends the open ones.
pub async fn refuse_logins(postgres: &Postgres, database: &Database) -> StepResult {
    let admin = postgres.admin().await.map_err(backend_failure)?;
    run(
        &admin,
        &format!("ALTER DATABASE {} ALLOW_CONNECTIONS false", database.name()),
    )
    .await?;
    let statement =
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = $1";
    admin
        .execute(statement, &[&database.name()])
        .await
        .map(|_| ())
        .map_err(Failure::broken)
}

/// Runs the suite's own SQL.
pub(super) async fn run(client: &Client, statement: &str) -> StepResult {
    client.batch_execute(statement).await.map_err(|error| {
        Failure::broken(format!("the suite's own SQL failed: {error}: {statement}"))
    })
}
