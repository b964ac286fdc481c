//! Where spans go, and which.

use std::time::Duration;

use axum::http::Uri;
use axum::http::uri::Scheme;

use crate::environment::Environment;
use crate::settings::{self, SettingError};

/// The settings of traces.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceSettings {
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`: where spans go; none: nothing is traced.
    pub endpoint: Option<Uri>,
    /// `OTEL_TRACES_SAMPLER_ARG`: the share of new traces that is exported, from 0 to 1 (TRC-6).
    pub sampled_share: f64,
    /// `OTEL_BSP_SCHEDULE_DELAY`: how long a span may wait for others before it is sent (TRC-1).
    pub schedule_delay: Duration,
}

impl TraceSettings {
    /// Reads the settings (CFG-2).
    pub fn read(environment: &Environment) -> Result<Self, SettingError> {
        let share = settings::read(environment, "OTEL_TRACES_SAMPLER_ARG", 1.0, |value| {
            let share = value.parse().ok();
            share
                .filter(|share| (0.0..=1.0).contains(share))
                .ok_or("is no number from 0 to 1")
        });
        let delay = settings::positive(
            environment,
            "OTEL_BSP_SCHEDULE_DELAY",
            5000,
            "is no number of milliseconds",
        );
        Ok(Self {
            endpoint: settings::read(environment, "OTEL_EXPORTER_OTLP_ENDPOINT", None, |value| {
                endpoint(value).map(Some)
            })?,
            sampled_share: share?,
            schedule_delay: Duration::from_millis(delay?),
        })
    }
}

fn endpoint(value: &str) -> Result<Uri, &'static str> {
    let endpoint: Option<Uri> = value.parse().ok();
    endpoint
        .filter(|uri| uri.scheme() == Some(&Scheme::HTTP))
        .ok_or("is no URL such as http://host:4317 (TLS is not supported)")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variable: &str, value: &str) -> Result<TraceSettings, SettingError> {
        TraceSettings::read(&Environment::from_iter([(variable, value)]))
    }

    #[test]
    fn without_an_endpoint_nothing_is_traced() {
        let settings = TraceSettings::read(&Environment::default()).expect("defaults are valid");
        assert_eq!(settings.endpoint, None);
        assert!((settings.sampled_share - 1.0).abs() < f64::EPSILON);
        assert_eq!(settings.schedule_delay, Duration::from_secs(5));
    }

    #[test]
    fn a_value_that_cannot_be_parsed_names_its_variable() {
        for (variable, value) in [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "garbage"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector:4317"),
            ("OTEL_TRACES_SAMPLER_ARG", "some"),
            ("OTEL_TRACES_SAMPLER_ARG", "1.5"),
            ("OTEL_TRACES_SAMPLER_ARG", "NaN"),
            ("OTEL_BSP_SCHEDULE_DELAY", "5s"),
        ] {
            let error = read(variable, value).expect_err(value);
            assert_eq!(error.variable, variable);
        }
    }
}
