//! HLT-8: what an answer must not contain.

use super::health;
use crate::entry::Entry;
use crate::probes::each_component;

pub fn entries() -> Vec<Entry> {
    vec![
        health(
            "secret-in-error",
            "HLT-8",
            "an error holds the connection string",
            |probe| {
                each_component(probe, |component| {
                    if component["status"] != "healthy" {
                        let name = match component["name"].as_str() {
                            Some("database") => "DATABASE_URL",
                            Some("redis") => "REDIS_URL",
                            _ => "USER_SERVICE_ADDR",
                        };
                        component["error"] = std::env::var(name).unwrap_or_default().into();
                    }
                });
            },
        ),
        health(
            "secret-in-answer",
            "HLT-8",
            "the answer holds the whole configuration",
            |probe| {
                probe.body["config"] = std::env::vars()
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect::<Vec<_>>()
                    .into();
            },
        ),
    ]
}
