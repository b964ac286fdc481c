//! The list of all backends. A new backend is a folder next to this file, and a line here.

use super::backend::Backend;
use super::jaeger::JaegerBackend;
use super::postgres::PostgresBackend;
use super::prometheus::PrometheusBackend;
use super::redis::RedisBackend;

/// All backends in the order of reports; they are stopped in reverse order.
pub static BACKENDS: &[&dyn Backend] = &[
    &PostgresBackend,
    &RedisBackend,
    &PrometheusBackend,
    &JaegerBackend,
];
