//! The environment variables that scenarios set.

use std::collections::BTreeMap;

/// The environment variables of a program that differ from the suite's test settings.
#[derive(Clone, Debug, Default)]
pub struct Settings(BTreeMap<String, Option<String>>);

impl Settings {
    /// Sets a variable; an empty value is passed as such.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.insert(name.into(), Some(value.into()));
    }

    /// Leaves a variable out, so that its default holds.
    pub fn unset(&mut self, name: impl Into<String>) {
        self.0.insert(name.into(), None);
    }

    /// These settings on top of the others.
    pub fn extend(&mut self, other: &Self) {
        self.0.extend(other.0.clone());
    }

    pub(super) fn asks_for(&self, name: &str, value: &str) -> bool {
        self.0
            .get(name)
            .is_some_and(|it| it.as_deref() == Some(value))
    }

    pub(super) fn apply(&self, environment: &mut BTreeMap<String, String>) {
        for (name, value) in &self.0 {
            match value {
                // Stands in the URL already.
                Some(value) if value == WRONG_PASSWORD => None,
                Some(value) => environment.insert(name.clone(), value.clone()),
                None => environment.remove(name),
            };
        }
    }
}

/// The suite's test settings: short times, so that scenarios are quick.
pub(super) const TEST_SETTINGS: &[(&str, &str)] = &[
    ("HEALTH_CACHE_TTL", "500ms"),
    ("HEALTH_CHECK_TIMEOUT", "1s"),
    ("SHUTDOWN_TIMEOUT", "5s"),
    ("SERVICE_VERSION", "9.8.7-conformance"),
    ("ENVIRONMENT", "conformance"),
    // What the contract lets an implementation ignore.
    ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
    ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
    ("OTEL_SEMCONV_STABILITY_OPT_IN", "http,database"),
    ("OTEL_METRICS_EXPORTER", "none"),
    ("OTEL_LOGS_EXPORTER", "none"),
];

/// The value of a URL's setting that asks for a password which the backend refuses.
pub(super) const WRONG_PASSWORD: &str = "(with a wrong password)";

/// The refused password, as it is meant and as it stands in a URL.
pub const REFUSED: (&str, &str) = ("wr0ng/p@ss:w#rd", "wr0ng%2Fp%40ss%3Aw%23rd");

/// The URL with another password; one without a user gets the user of its scheme.
pub(super) fn with_wrong_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (user, place) = match rest.rsplit_once('@') {
        Some((user, place)) => (user.split(':').next().unwrap_or_default(), place),
        None => ("", rest),
    };
    format!("{scheme}://{user}:{}@{place}", REFUSED.1)
}
