//! HLT-5: the timestamp of cached health responses.

use super::health_mutant;
use crate::mutant::Mutant;

pub fn mutants() -> Vec<Mutant> {
    vec![health_mutant(
        "cache-timestamp",
        "HLT-5",
        "the timestamp is the time of the response, not of the checks",
        |probe| {
            let now = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
            probe.body["timestamp"] = now.into();
        },
    )]
}
