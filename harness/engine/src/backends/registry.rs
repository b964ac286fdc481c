//! Every backend by name. A new one is a folder next to this file, and a line here.

use super::backend::Backend;
use super::postgres::PostgresBackend;
use super::redis::RedisBackend;

/// In the order of reports; they end in the opposite order.
pub static BACKENDS: &[&dyn Backend] = &[&PostgresBackend, &RedisBackend];
