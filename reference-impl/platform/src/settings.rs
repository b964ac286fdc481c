//! From text to types: how a setting is read, and the settings that all programs share.

use std::time::Duration;

use crate::environment::Environment;
use crate::flags::FeatureFlags;
use crate::health::HealthSettings;
use crate::traces::TraceSettings;

/// A variable that cannot be used (CFG-2). It holds no value: that may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable} {reason}")]
pub struct SettingError {
    /// The variable's name.
    pub variable: &'static str,
    /// What is wrong with it, as the rest of a sentence.
    pub reason: String,
}

impl SettingError {
    /// `variable` cannot be used for `reason`, the rest of a sentence.
    pub fn new(variable: &'static str, reason: impl Into<String>) -> Self {
        Self {
            variable,
            reason: reason.into(),
        }
    }
}

/// Who the program says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// `SERVICE_NAME`
    pub name: String,
    /// `SERVICE_VERSION`
    pub version: String,
    /// `ENVIRONMENT`
    pub environment: String,
}

/// The settings that every program reads.
#[derive(Debug, Clone, PartialEq)]
pub struct CommonSettings {
    /// Who the program says it is.
    pub identity: Identity,
    /// `PORT`: probes, and a gateway's API.
    pub port: u16,
    /// `METRICS_PORT`
    pub metrics_port: u16,
    /// How often and how patiently resources are checked.
    pub health: HealthSettings,
    /// `SHUTDOWN_TIMEOUT`: how long work in flight may go on after a signal (CFG-8).
    pub shutdown_timeout: Duration,
    /// `FEATURE_FLAGS`
    pub flags: FeatureFlags,
    /// `OTEL_*`: what is traced.
    pub traces: TraceSettings,
}

/// What a program's own nature decides about the shared settings.
pub struct Program {
    /// The default of `SERVICE_NAME`.
    pub name: &'static str,
    /// The default of `SERVICE_VERSION`: the build's version.
    pub version: &'static str,
    /// Every component of its health answers.
    pub components: &'static [&'static str],
    /// The default of `HEALTH_OPTIONAL`.
    pub optional: &'static [&'static str],
}

impl CommonSettings {
    /// Reads the shared settings of `program` (CFG-1, CFG-2).
    pub fn read(environment: &Environment, program: &Program) -> Result<Self, SettingError> {
        Ok(Self {
            identity: Identity {
                name: text(environment, "SERVICE_NAME", program.name),
                version: text(environment, "SERVICE_VERSION", program.version),
                environment: text(environment, "ENVIRONMENT", "development"),
            },
            port: http_port(environment)?,
            metrics_port: port(environment, "METRICS_PORT", 9090)?,
            health: HealthSettings::read(environment, program)?,
            shutdown_timeout: duration(environment, "SHUTDOWN_TIMEOUT", Duration::from_secs(30))?,
            flags: read(
                environment,
                "FEATURE_FLAGS",
                FeatureFlags::default(),
                str::parse,
            )?,
            traces: TraceSettings::read(environment)?,
        })
    }
}

/// `PORT`, the only setting that `healthcheck` needs (CFG-5).
pub fn http_port(environment: &Environment) -> Result<u16, SettingError> {
    port(environment, "PORT", 8080)
}

/// A variable parsed by `parse`, or its default if it is unset (CFG-1, CFG-2).
pub fn read<T, E: ToString>(
    environment: &Environment,
    variable: &'static str,
    default: T,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, SettingError> {
    environment.get(variable).map_or(Ok(default), |value| {
        parse(value).map_err(|reason| SettingError::new(variable, reason.to_string()))
    })
}

/// Any text.
pub fn text(environment: &Environment, variable: &str, default: &str) -> String {
    environment.get(variable).unwrap_or(default).to_owned()
}

/// A duration such as `500ms`, `5s`, `2m` or `1h`.
pub fn duration(
    environment: &Environment,
    variable: &'static str,
    default: Duration,
) -> Result<Duration, SettingError> {
    read(environment, variable, default, |value| {
        humantime::parse_duration(value).map_err(|_| "is no duration such as 500ms, 5s, 2m or 1h")
    })
}

/// A TCP port.
pub fn port(
    environment: &Environment,
    variable: &'static str,
    default: u16,
) -> Result<u16, SettingError> {
    positive(environment, variable, default, "is no port from 1 to 65535")
}

/// A whole number greater than zero; `complaint` says what was expected.
pub fn positive<T: std::str::FromStr + Default + PartialOrd>(
    environment: &Environment,
    variable: &'static str,
    default: T,
    complaint: &str,
) -> Result<T, SettingError> {
    read(environment, variable, default, |value| {
        value
            .parse()
            .ok()
            .filter(|number| *number > T::default())
            .ok_or(complaint)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROGRAM: Program = Program {
        name: "example",
        version: "1.2.3",
        components: &["database", "redis"],
        optional: &["redis"],
    };

    fn settings(variables: &[(&str, &str)]) -> Result<CommonSettings, SettingError> {
        CommonSettings::read(&variables.iter().copied().collect(), &PROGRAM)
    }

    #[track_caller]
    fn check_duration(text: &str, expected: Option<Duration>) {
        let found =
            settings(&[("SHUTDOWN_TIMEOUT", text)]).map(|settings| settings.shutdown_timeout);
        assert_eq!(found.ok(), expected, "{text:?}");
    }

    #[track_caller]
    fn check_refused(variable: &'static str, text: &str) {
        let error = settings(&[(variable, text)]).expect_err(text);
        assert_eq!(error.variable, variable);
        assert!(error.to_string().starts_with(variable), "{error}");
    }

    #[test]
    fn unset_variables_take_their_defaults() {
        let settings = settings(&[]).expect("defaults are valid");
        assert_eq!((settings.port, settings.metrics_port), (8080, 9090));
        assert_eq!(settings.identity.name, "example");
        assert_eq!(settings.identity.version, "1.2.3");
        assert_eq!(settings.identity.environment, "development");
        assert_eq!(settings.shutdown_timeout, Duration::from_secs(30));
        assert_eq!(settings.health.cache_ttl, Duration::from_secs(5));
        assert!(settings.health.optional.contains("redis"));
    }

    #[test]
    fn durations_have_a_number_and_a_unit() {
        check_duration("500ms", Some(Duration::from_millis(500)));
        check_duration("5s", Some(Duration::from_secs(5)));
        check_duration("2m", Some(Duration::from_mins(2)));
        check_duration("1h", Some(Duration::from_hours(1)));
        check_duration("soon", None);
        check_duration("5", None);
        check_duration("-5s", None);
    }

    #[test]
    fn a_value_that_cannot_be_parsed_names_its_variable() {
        check_refused("PORT", "http");
        check_refused("PORT", "65536");
        check_refused("PORT", "0");
        check_refused("METRICS_PORT", "-1");
        check_refused("HEALTH_CACHE_TTL", "often");
        check_refused("HEALTH_CHECK_TIMEOUT", "1 fortnight");
        check_refused("HEALTH_OPTIONAL", "kafka");
        check_refused("FEATURE_FLAGS", "stream-users");
    }
}
