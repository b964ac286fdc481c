//! CFG-1: defaults of unset and empty variables, and units of durations.

use super::MAY_BE_EMPTY;
use crate::entries::{common_mutant, environment_mutant, set_variable};
use crate::mutant::{Mutant, Variables};
use crate::probes;

pub fn mutants() -> Vec<Mutant> {
    vec![
        environment_mutant(
            "config-other-ports",
            "CFG-1",
            "the default ports are wrong",
            |variables| {
                for (name, port) in [
                    ("PORT", "18085"),
                    ("METRICS_PORT", "19095"),
                    ("GRPC_PORT", "15055"),
                ] {
                    set_default(variables, name, port);
                }
            },
        ),
        environment_mutant(
            "config-empty-is-a-value",
            "CFG-1",
            "an empty variable is an invalid value instead of unset",
            |variables| {
                for name in MAY_BE_EMPTY {
                    if variables.get(*name).is_some_and(String::is_empty) {
                        set_variable(variables, name, "an empty value");
                    }
                }
            },
        ),
        environment_mutant(
            "config-other-times",
            "CFG-1",
            "the default durations are wrong",
            |variables| {
                for (name, duration) in [
                    ("HEALTH_CACHE_TTL", "1s"),
                    ("HEALTH_CHECK_TIMEOUT", "20s"),
                    ("REQUEST_TIMEOUT", "15s"),
                    ("SHUTDOWN_TIMEOUT", "2s"),
                ] {
                    set_default(variables, name, duration);
                }
            },
        ),
        environment_mutant(
            "config-shorter-times",
            "CFG-1",
            "the default timeouts are too short, and the default of HEALTH_CACHE_TTL is too long",
            |variables| {
                for (name, duration) in [
                    ("HEALTH_CACHE_TTL", "10s"),
                    ("HEALTH_CHECK_TIMEOUT", "2s"),
                    ("REQUEST_TIMEOUT", "1s"),
                    ("SHUTDOWN_TIMEOUT", "10s"),
                ] {
                    set_default(variables, name, duration);
                }
            },
        ),
        environment_mutant(
            "config-other-log",
            "CFG-1",
            "the default log format is text, and the default level is warn",
            |variables| {
                set_default(variables, "LOG_LEVEL", "warn");
                set_default(variables, "LOG_FORMAT", "text");
            },
        ),
        environment_mutant(
            "config-nothing-optional",
            "CFG-1",
            "without HEALTH_OPTIONAL no component is optional",
            |variables| {
                set_default(variables, "HEALTH_OPTIONAL", "none");
            },
        ),
        environment_mutant(
            "config-other-pool",
            "CFG-1",
            "the default of DATABASE_MAX_CONNECTIONS is 40",
            |variables| {
                set_default(variables, "DATABASE_MAX_CONNECTIONS", "40");
            },
        ),
        environment_mutant(
            "config-other-resources",
            "CFG-1",
            "without a URL the database is `postgres`, and Redis is at port 6380",
            |variables| {
                set_default(variables, "DATABASE_URL", "postgres://localhost/postgres");
                set_default(variables, "REDIS_URL", "redis://localhost:6380");
            },
        ),
        environment_mutant(
            "config-units",
            "CFG-1",
            "a duration in minutes or hours is read as milliseconds",
            |variables| {
                for value in variables.values_mut() {
                    if matches!(value.as_str(), "2m" | "1h") {
                        *value = format!("{}ms", &value[..1]);
                    }
                }
            },
        ),
        common_mutant(
            "config-no-version",
            "CFG-1",
            "without SERVICE_VERSION the version is empty",
            |parts| {
                if parts.settings.identity.version == env!("CARGO_PKG_VERSION") {
                    probes::change_probe(parts.wrap_http, "/health", |probe| {
                        probe.body["version"] = "".into();
                    });
                }
            },
        ),
    ]
}

/// Sets a variable that is unset or empty.
fn set_default(variables: &mut Variables, name: &str, value: &str) {
    if variables.get(name).is_none_or(String::is_empty) {
        set_variable(variables, name, value);
    }
}
