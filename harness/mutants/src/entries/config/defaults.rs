//! CFG-1: what is unset or empty, and units of time.

use super::EMPTY_IS_GARBAGE;
use crate::entries::{common, environment, set};
use crate::entry::{Entry, Variables};
use crate::probes;

pub fn entries() -> Vec<Entry> {
    vec![
        environment(
            "config-other-ports",
            "CFG-1",
            "the default ports are others",
            |variables| {
                for (name, port) in [
                    ("PORT", "18085"),
                    ("METRICS_PORT", "19095"),
                    ("GRPC_PORT", "15055"),
                ] {
                    default_to(variables, name, port);
                }
            },
        ),
        environment(
            "config-empty-is-a-value",
            "CFG-1",
            "an empty value is one that cannot be parsed",
            |variables| {
                for name in EMPTY_IS_GARBAGE {
                    if variables.get(*name).is_some_and(String::is_empty) {
                        set(variables, name, "an empty value");
                    }
                }
            },
        ),
        environment(
            "config-other-times",
            "CFG-1",
            "the default times are others",
            |variables| {
                for (name, time) in [
                    ("HEALTH_CACHE_TTL", "1s"),
                    ("HEALTH_CHECK_TIMEOUT", "20s"),
                    ("REQUEST_TIMEOUT", "15s"),
                    ("SHUTDOWN_TIMEOUT", "2s"),
                ] {
                    default_to(variables, name, time);
                }
            },
        ),
        environment(
            "config-shorter-times",
            "CFG-1",
            "the default times are shorter, but for the cache",
            |variables| {
                for (name, time) in [
                    ("HEALTH_CACHE_TTL", "10s"),
                    ("HEALTH_CHECK_TIMEOUT", "2s"),
                    ("REQUEST_TIMEOUT", "1s"),
                    ("SHUTDOWN_TIMEOUT", "10s"),
                ] {
                    default_to(variables, name, time);
                }
            },
        ),
        environment(
            "config-other-log",
            "CFG-1",
            "the default log is text at warn",
            |variables| {
                default_to(variables, "LOG_LEVEL", "warn");
                default_to(variables, "LOG_FORMAT", "text");
            },
        ),
        environment(
            "config-nothing-optional",
            "CFG-1",
            "an empty HEALTH_OPTIONAL means none",
            |variables| {
                default_to(variables, "HEALTH_OPTIONAL", "none");
            },
        ),
        environment(
            "config-other-pool",
            "CFG-1",
            "an empty DATABASE_MAX_CONNECTIONS means 40",
            |variables| {
                default_to(variables, "DATABASE_MAX_CONNECTIONS", "40");
            },
        ),
        environment(
            "config-units",
            "CFG-1",
            "a time in minutes or hours is taken for milliseconds",
            |variables| {
                for value in variables.values_mut() {
                    if matches!(value.as_str(), "2m" | "1h") {
                        *value = format!("{}ms", &value[..1]);
                    }
                }
            },
        ),
        common(
            "config-no-version",
            "CFG-1",
            "without SERVICE_VERSION there is no version",
            |parts| {
                if parts.settings.identity.version == env!("CARGO_PKG_VERSION") {
                    probes::inject(parts.wrap_http, "/health", |probe| {
                        probe.body["version"] = "".into();
                    });
                }
            },
        ),
    ]
}

/// Sets a variable that is unset or empty.
fn default_to(variables: &mut Variables, name: &str, value: &str) {
    if variables.get(name).is_none_or(String::is_empty) {
        set(variables, name, value);
    }
}
