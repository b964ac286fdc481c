//! What the environment says, as types.

use std::str::FromStr as _;
use std::time::Duration;

use log::LevelFilter;
use platform::environment::Environment;
use platform::settings::{self, CommonSettings, Program, SettingError};
use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;

/// What the user service's nature decides about the shared settings.
const PROGRAM: Program = Program {
    name: "user-service",
    version: env!("CARGO_PKG_VERSION"),
    components: &["database", "redis"],
    optional: &["redis"],
};

/// A statement that takes longer is worth a warning.
const SLOW: Duration = Duration::from_secs(1);

/// The settings of the user service (CFG-1, CFG-2). It holds secrets, so it cannot be printed.
#[derive(Clone)]
pub struct Settings {
    /// Those that all programs share.
    pub common: CommonSettings,
    /// `GRPC_PORT`
    pub grpc_port: u16,
    /// `DATABASE_URL`
    pub database: PgConnectOptions,
    /// `DATABASE_MAX_CONNECTIONS`
    pub database_max_connections: u32,
    /// `REDIS_URL`
    pub redis: redis::Client,
    /// `REQUEST_TIMEOUT`: how long a call may take.
    pub request_timeout: Duration,
    /// `GRPC_MAX_CONNECTION_*` and `GRPC_KEEPALIVE_*`
    pub connections: ConnectionSettings,
}

/// How long a client's connection lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionSettings {
    /// `GRPC_MAX_CONNECTION_IDLE`
    pub max_idle: Duration,
    /// `GRPC_MAX_CONNECTION_AGE`
    pub max_age: Duration,
    /// `GRPC_MAX_CONNECTION_AGE_GRACE`
    pub max_age_grace: Duration,
    /// `GRPC_KEEPALIVE_TIME`
    pub keepalive_time: Duration,
    /// `GRPC_KEEPALIVE_TIMEOUT`
    pub keepalive_timeout: Duration,
    /// `GRPC_KEEPALIVE_MIN_TIME`
    pub keepalive_min_time: Duration,
}

impl Settings {
    /// Reads every setting; the first that cannot be used is the error (CFG-2).
    pub fn read(environment: &Environment) -> Result<Self, SettingError> {
        refuse_tls(environment)?;
        Ok(Self {
            common: CommonSettings::read(environment, &PROGRAM)?,
            grpc_port: settings::port(environment, "GRPC_PORT", 50051)?,
            database: database(environment)?,
            database_max_connections: settings::positive(
                environment,
                "DATABASE_MAX_CONNECTIONS",
                10,
                "is no number of connections",
            )?,
            redis: redis(environment)?,
            request_timeout: settings::duration(
                environment,
                "REQUEST_TIMEOUT",
                Duration::from_secs(5),
            )?,
            connections: ConnectionSettings::read(environment)?,
        })
    }
}

impl ConnectionSettings {
    fn read(environment: &Environment) -> Result<Self, SettingError> {
        let duration = |variable, default| settings::duration(environment, variable, default);
        Ok(Self {
            max_idle: duration("GRPC_MAX_CONNECTION_IDLE", Duration::from_mins(15))?,
            max_age: duration("GRPC_MAX_CONNECTION_AGE", Duration::from_mins(30))?,
            max_age_grace: duration("GRPC_MAX_CONNECTION_AGE_GRACE", Duration::from_secs(5))?,
            keepalive_time: duration("GRPC_KEEPALIVE_TIME", Duration::from_mins(5))?,
            keepalive_timeout: duration("GRPC_KEEPALIVE_TIMEOUT", Duration::from_secs(1))?,
            keepalive_min_time: duration("GRPC_KEEPALIVE_MIN_TIME", Duration::from_mins(5))?,
        })
    }
}

fn database(environment: &Environment) -> Result<PgConnectOptions, SettingError> {
    const VARIABLE: &str = "DATABASE_URL";
    let url = environment
        .get(VARIABLE)
        .unwrap_or("postgres://localhost/mydb");
    // sqlx takes a URL of any scheme.
    let has_scheme = ["postgres://", "postgresql://"]
        .iter()
        .any(|scheme| url.starts_with(scheme));
    PgConnectOptions::from_str(url)
        .ok()
        .filter(|_| has_scheme)
        .map(|options| {
            options
                .application_name(PROGRAM.name)
                .log_statements(LevelFilter::Debug)
                .log_slow_statements(LevelFilter::Warn, SLOW)
        })
        .ok_or_else(|| SettingError::new(VARIABLE, "is no URL of a PostgreSQL database"))
}

fn redis(environment: &Environment) -> Result<redis::Client, SettingError> {
    const VARIABLE: &str = "REDIS_URL";
    let url = environment
        .get(VARIABLE)
        .unwrap_or("redis://localhost:6379");
    redis::Client::open(url).map_err(|_| SettingError::new(VARIABLE, "is no URL of a Redis server"))
}

/// This version serves plaintext only: it must not seem to use TLS.
fn refuse_tls(environment: &Environment) -> Result<(), SettingError> {
    let is_set = |variable| environment.get(variable).is_some();
    match (
        is_set("TLS_CERT_FILE"),
        is_set("TLS_KEY_FILE"),
        is_set("TLS_CLIENT_CA_FILE"),
    ) {
        (false, false, false) => Ok(()),
        (true, false, _) => Err(SettingError::new(
            "TLS_CERT_FILE",
            "is set without TLS_KEY_FILE",
        )),
        (false, true, _) => Err(SettingError::new(
            "TLS_KEY_FILE",
            "is set without TLS_CERT_FILE",
        )),
        (false, false, true) => Err(SettingError::new(
            "TLS_CLIENT_CA_FILE",
            "is set without TLS_CERT_FILE and TLS_KEY_FILE",
        )),
        (true, true, _) => Err(SettingError::new(
            "TLS_CERT_FILE",
            "is set, but TLS is not supported",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_refused(variable: &str, value: &str) {
        let error = Settings::read(&Environment::from_iter([(variable, value)])).err();
        let error = error.unwrap_or_else(|| panic!("{variable}={value} is accepted"));
        assert_eq!(error.variable, variable);
        assert!(!error.to_string().contains(value), "{error}");
    }

    #[test]
    fn unset_variables_take_their_defaults() {
        let Ok(settings) = Settings::read(&Environment::default()) else {
            panic!("defaults are valid");
        };
        assert_eq!(settings.grpc_port, 50051);
        assert_eq!(settings.database.get_database(), Some("mydb"));
        assert_eq!(settings.database_max_connections, 10);
        assert_eq!(settings.request_timeout, Duration::from_secs(5));
        assert_eq!(settings.connections.max_age, Duration::from_mins(30));
    }

    #[test]
    fn a_value_that_cannot_be_parsed_names_its_variable_and_not_itself() {
        check_refused("GRPC_PORT", "seventy");
        check_refused("DATABASE_URL", "garbage:secret");
        check_refused("DATABASE_URL", "mysql://u:secret@localhost/db");
        check_refused("DATABASE_URL", "postgres://localhost:port/db");
        check_refused("DATABASE_MAX_CONNECTIONS", "many");
        check_refused("DATABASE_MAX_CONNECTIONS", "0");
        check_refused("REDIS_URL", "garbage:secret");
        check_refused("REDIS_URL", "http://localhost");
        check_refused("REQUEST_TIMEOUT", "fast");
        check_refused("GRPC_KEEPALIVE_TIME", "now and then");
        check_refused("GRPC_MAX_CONNECTION_AGE_GRACE", "brief");
        check_refused("TLS_CERT_FILE", "cert.pem");
        check_refused("TLS_KEY_FILE", "key.pem");
        check_refused("TLS_CLIENT_CA_FILE", "ca.pem");
    }
}
