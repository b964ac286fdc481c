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

    /// Leaves a variable out, so that its default applies.
    pub fn unset(&mut self, name: impl Into<String>) {
        self.0.insert(name.into(), None);
    }

    /// Adds the other settings; they take precedence.
    pub fn extend(&mut self, other: &Self) {
        self.0.extend(other.0.clone());
    }

    /// The value that a variable is set to.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_deref()
    }

    pub(super) fn has(&self, name: &str, value: &str) -> bool {
        self.0
            .get(name)
            .is_some_and(|it| it.as_deref() == Some(value))
    }

    pub(super) fn apply(&self, variables: &mut BTreeMap<String, String>) {
        for (name, value) in &self.0 {
            match value {
                // Already part of the URL.
                Some(value) if value == WRONG_PASSWORD => None,
                Some(value) => variables.insert(name.clone(), value.clone()),
                None => variables.remove(name),
            };
        }
    }
}

/// The variable with the collector of spans (TRC-1).
pub const COLLECTOR_VARIABLE: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// The suite's test settings: short times, so that scenarios are quick.
pub(super) const TEST_SETTINGS: &[(&str, &str)] = &[
    ("HEALTH_CACHE_TTL", "500ms"),
    ("HEALTH_CHECK_TIMEOUT", "1s"),
    ("SHUTDOWN_TIMEOUT", "5s"),
    ("SERVICE_VERSION", "9.8.7-conformance"),
    ("ENVIRONMENT", "conformance"),
    ("OTEL_BSP_SCHEDULE_DELAY", "100"),
    // Variables that an implementation may ignore.
    ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
    ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
    ("OTEL_SEMCONV_STABILITY_OPT_IN", "http,database"),
    ("OTEL_METRICS_EXPORTER", "none"),
    ("OTEL_LOGS_EXPORTER", "none"),
];

/// Value of a URL setting: the URL of the backend with a password that the backend refuses.
pub(super) const WRONG_PASSWORD: &str = "(with a wrong password)";

/// The refused password: plain and percent-encoded.
pub const REFUSED: (&str, &str) = ("wr0ng/p@ss:w#rd", "wr0ng%2Fp%40ss%3Aw%23rd");

/// The URL with another password; one without a user gets the user of its scheme.
pub(super) fn with_wrong_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (user, authority) = match rest.rsplit_once('@') {
        Some((user, authority)) => (user.split(':').next().unwrap_or_default(), authority),
        None => ("", rest),
    };
    format!("{scheme}://{user}:{}@{authority}", REFUSED.1)
}
