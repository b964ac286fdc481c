//! The families of metrics that are the user service's own (MET-2).

use platform::metrics::{Family, Kind};

/// Creates that this process acknowledged (MET-6).
pub const USERS_CREATED: &str = "users_created_total";

/// Users with status ACTIVE, on all instances (MET-6).
pub const ACTIVE_USERS: &str = "active_users";

/// Open connections to the database (MET-6).
pub const CONNECTIONS_OPEN: &str = "db_connections_open";

/// Durations of statements, by the statement's name.
pub const QUERY_DURATIONS: &str = "db_query_duration_seconds";

/// The buckets of the durations of statements (MET-4).
const QUERY_BUCKETS: &[f64] = &[0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0];

/// The families.
pub const FAMILIES: &[Family] = &[
    Family {
        name: USERS_CREATED,
        help: "Users that this process has created.",
        kind: Kind::Counter,
        labels: &[],
    },
    Family {
        name: ACTIVE_USERS,
        help: "Users with status ACTIVE.",
        kind: Kind::Gauge,
        labels: &[],
    },
    Family {
        name: CONNECTIONS_OPEN,
        help: "Open connections to the database.",
        kind: Kind::Gauge,
        labels: &[],
    },
    Family {
        name: QUERY_DURATIONS,
        help: "Time that a statement took in the database.",
        kind: Kind::Histogram(QUERY_BUCKETS),
        labels: &["query"],
    },
];
