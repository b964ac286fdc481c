//! HLT-8: secrets in health responses.

use super::health_mutant;
use crate::mutant::Mutant;
use crate::probes::change_components;

pub fn mutants() -> Vec<Mutant> {
    vec![
        health_mutant(
            "secret-in-error",
            "HLT-8",
            "a component's error contains the connection string",
            |probe| {
                change_components(probe, |component| {
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
        health_mutant(
            "secret-in-answer",
            "HLT-8",
            "the health response contains all environment variables",
            |probe| {
                probe.body["config"] = std::env::vars()
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect::<Vec<_>>()
                    .into();
            },
        ),
    ]
}
