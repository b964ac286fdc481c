//! The gauge of active users, read from the database for each scrape: so it is the same on every instance (MET-6).

use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use metrics::gauge;
use tokio::time::timeout;

use crate::families::ACTIVE_USERS;
use crate::store::Pool;

/// By the sums that triggers keep: the cost does not grow with the number of users.
const COUNT: &str =
    "SELECT coalesce(sum(users), 0)::float8 FROM user_counts WHERE status = 'ACTIVE'";

/// How long a scrape waits for the database; without an answer the gauge stays as it is.
const READ: Duration = Duration::from_secs(1);

/// Middleware around the page of metrics: brings the gauge up to date.
pub async fn refresh(State(pool): State<Pool>, request: Request, next: Next) -> Response {
    let count = pool.run("count_active_users", async |connection| {
        sqlx::query_scalar(COUNT).fetch_one(connection).await
    });
    match timeout(READ, count).await {
        Ok(Ok(users)) => gauge!(ACTIVE_USERS).set::<f64>(users),
        Ok(Err(error)) => tracing::debug!(%error, "cannot count active users"),
        Err(_) => tracing::debug!("counting active users takes too long"),
    }
    next.run(request).await
}
