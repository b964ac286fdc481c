//! What the service is put together from. Each part can be replaced by another.

use std::sync::Arc;

use platform::health::Component;
pub use platform::http::Wrap;
use prost_types::FileDescriptorSet;

use crate::password::{Argon2Hasher, Hasher};
use crate::rules::Rules;
use crate::settings::{ConnectionSettings, Settings};
use crate::store::{ChangeLog, PgChanges, PgStore, Pool, Store};
use crate::stream::tail;
use crate::{checks, reflection};

/// The parts of a running service.
pub struct Parts {
    /// What the contract says.
    pub rules: Rules,
    /// Where users are kept.
    pub store: Arc<dyn Store>,
    /// Where changes of users are read.
    pub changes: Arc<dyn ChangeLog>,
    /// How instances wake each other's streams.
    pub wake: redis::Client,
    /// What is stored of passwords.
    pub hasher: Arc<dyn Hasher>,
    /// The attached resources, and how they are checked (HLT-2).
    pub components: Vec<Component>,
    /// How long clients' connections live (GRP-4, GRP-5).
    pub connections: ConnectionSettings,
    /// What reflection shows (GRP-2).
    pub descriptors: Vec<FileDescriptorSet>,
    /// Put around all of gRPC, outermost.
    pub wrap_grpc: Wrap,
    /// Put around the probes, outermost.
    pub wrap_http: Wrap,
}

impl Parts {
    /// The parts that meet the contract.
    pub fn contract(settings: &Settings) -> Self {
        let pool = Pool::new(
            settings.database.clone(),
            settings.database_max_connections,
            settings.request_timeout,
        );
        // One connection of its own: streams do not wait for calls, nor calls for streams (USR-20
        // leaves room for it).
        let changes = Pool::new(settings.database.clone(), 1, tail::READ);
        Self {
            rules: Rules::default(),
            store: Arc::new(PgStore::new(pool)),
            changes: Arc::new(PgChanges::new(changes)),
            wake: settings.redis.clone(),
            hasher: Arc::new(Argon2Hasher::new()),
            components: vec![checks::database(settings), checks::redis(settings)],
            connections: settings.connections,
            descriptors: reflection::descriptors(),
            wrap_grpc: Box::new(|router| router),
            wrap_http: Box::new(|router| router),
        }
    }
}
