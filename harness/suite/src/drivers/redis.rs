//! Redis behind the service, over a connection of the suite.

use conformance_engine::failure::{Failure, StepResult};
use redis::AsyncCommands as _;

/// Every key with its value, in Redis's own serialisation.
pub async fn dump(url: &str) -> StepResult<Vec<String>> {
    let client = redis::Client::open(url).map_err(Failure::broken)?;
    let mut connection = client
        .get_multiplexed_async_connection()
        .await
        .map_err(Failure::broken)?;
    let keys: Vec<Vec<u8>> = connection.keys("*").await.map_err(Failure::broken)?;
    let mut lines = Vec::new();
    for key in keys {
        let value: Option<Vec<u8>> = redis::cmd("DUMP")
            .arg(&key)
            .query_async(&mut connection)
            .await
            .map_err(Failure::broken)?;
        let value = value.unwrap_or_default();
        lines.push(format!(
            "{} {}",
            String::from_utf8_lossy(&key),
            String::from_utf8_lossy(&value)
        ));
    }
    Ok(lines)
}

/// Takes away everything that it holds.
pub async fn empty(url: &str) -> StepResult {
    let client = redis::Client::open(url).map_err(Failure::broken)?;
    let connection = client.get_multiplexed_async_connection().await;
    let mut connection = connection.map_err(Failure::broken)?;
    let emptied = redis::cmd("FLUSHDB").exec_async(&mut connection).await;
    emptied.map_err(Failure::broken)
}
