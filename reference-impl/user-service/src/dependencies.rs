//! What the service is put together from. Each dependency can be replaced by another.

use std::sync::Arc;

use platform::health::Component;
pub use platform::http::Wrap;

use crate::checks;
use crate::settings::Settings;
use crate::store::{ChangeLog, PgChanges, PgStore, Pool, Store};
use crate::stream::tail;

/// What a running service depends on.
pub struct Dependencies {
    /// Where users are kept.
    pub store: Arc<dyn Store>,
    /// Where changes of users are read.
    pub changes: Arc<dyn ChangeLog>,
    /// Where active users are counted.
    pub counts: Pool,
    /// How instances notify each other of changes.
    pub notifications: redis::Client,
    /// The attached resources, and how they are checked (HLT-2).
    pub components: Vec<Component>,
    /// Put around all of gRPC, outermost.
    pub wrap_grpc: Wrap,
    /// Put around the probes, outermost.
    pub wrap_http: Wrap,
}

impl Dependencies {
    /// The real ones.
    pub fn new(settings: &Settings) -> Self {
        let pool = Pool::new(
            settings.database.clone(),
            settings.database_max_connections,
            settings.request_timeout,
        );
        // One connection of their own: streams and scrapes do not wait for calls, nor calls for them
        // (USR-20 leaves room for it).
        let changes = Pool::new(settings.database.clone(), 1, tail::READ);
        Self {
            store: Arc::new(PgStore::new(pool)),
            changes: Arc::new(PgChanges::new(changes.clone())),
            counts: changes,
            notifications: settings.redis.clone(),
            components: vec![checks::database(settings), checks::redis(settings)],
            wrap_grpc: Box::new(|router| router),
            wrap_http: Box::new(|router| router),
        }
    }
}
