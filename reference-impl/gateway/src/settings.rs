//! The environment as types.

use std::time::Duration;

use axum::http::Uri;
use axum::http::uri::Scheme;
use platform::environment::Environment;
use platform::settings::{self, CommonSettings, Program, SettingError};

/// The gateway's own defaults of the shared settings.
const PROGRAM: Program = Program {
    name: "gateway",
    version: env!("CARGO_PKG_VERSION"),
    components: &[USER_SERVICE],
    optional: &[],
};

/// The component of the gateway's health answers (HLT-2).
pub const USER_SERVICE: &str = "user-service";

/// Settings of features that this version lacks: they are refused, since ignoring them would look as if
/// the feature were on.
const UNSUPPORTED: [(&str, &str); 9] = [
    ("TLS_CERT_FILE", "TLS"),
    ("TLS_KEY_FILE", "TLS"),
    ("USER_SERVICE_CA_FILE", "TLS"),
    ("USER_SERVICE_CLIENT_CERT_FILE", "TLS"),
    ("USER_SERVICE_CLIENT_KEY_FILE", "TLS"),
    ("AUTH_JWKS_URL", "authentication"),
    ("AUTH_ISSUER", "authentication"),
    ("AUTH_AUDIENCE", "authentication"),
    ("AUTH_JWKS_TTL", "authentication"),
];

/// The settings of the gateway (CFG-1, CFG-2).
#[derive(Debug, Clone)]
pub struct Settings {
    /// Those that all programs share.
    pub common: CommonSettings,
    /// `USER_SERVICE_ADDR`: scheme `http`, a host and a port.
    pub user_service: Uri,
    /// `USER_SERVICE_KEEPALIVE_TIME`: how long a connection may be silent before it is pinged (RES-6).
    pub keepalive_time: Duration,
    /// `REQUEST_TIMEOUT`: how long a whole request may take (RES-1).
    pub request_timeout: Duration,
    /// `RETRY_*`
    pub retry: RetrySettings,
    /// `BREAKER_*`
    pub breaker: BreakerSettings,
}

/// How often, and after which pauses, a call is tried (RES-2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetrySettings {
    /// `RETRY_MAX_ATTEMPTS`: tries in all.
    pub max_attempts: u32,
    /// `RETRY_BASE_DELAY`: the first pause, before its random factor.
    pub base_delay: Duration,
}

/// When the breaker opens, and for how long (RES-3, RES-4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerSettings {
    /// `BREAKER_MAX_FAILURES`: failures in a row that open it.
    pub max_failures: u32,
    /// `BREAKER_RESET_TIMEOUT`: how long it stays open.
    pub reset_timeout: Duration,
}

impl Settings {
    /// Reads every setting; the first that cannot be used is the error (CFG-2).
    pub fn read(environment: &Environment) -> Result<Self, SettingError> {
        refuse_unsupported(environment)?;
        let duration = |variable, default| settings::duration(environment, variable, default);
        let count = |variable, default| {
            settings::positive(environment, variable, default, "is no number from 1")
        };
        Ok(Self {
            common: CommonSettings::read(environment, &PROGRAM)?,
            user_service: user_service(environment)?,
            keepalive_time: duration("USER_SERVICE_KEEPALIVE_TIME", Duration::from_mins(5))?,
            request_timeout: duration("REQUEST_TIMEOUT", Duration::from_secs(10))?,
            retry: RetrySettings {
                max_attempts: count("RETRY_MAX_ATTEMPTS", 3)?,
                base_delay: duration("RETRY_BASE_DELAY", Duration::from_millis(50))?,
            },
            breaker: BreakerSettings {
                max_failures: count("BREAKER_MAX_FAILURES", 5)?,
                reset_timeout: duration("BREAKER_RESET_TIMEOUT", Duration::from_secs(30))?,
            },
        })
    }
}

fn user_service(environment: &Environment) -> Result<Uri, SettingError> {
    const VARIABLE: &str = "USER_SERVICE_ADDR";
    let refused = |reason| SettingError::new(VARIABLE, reason);
    let address: Uri = environment
        .get(VARIABLE)
        .unwrap_or("http://localhost:50051")
        .parse()
        .map_err(|_| refused("is no URL such as http://host:50051"))?;
    if address.scheme() == Some(&Scheme::HTTPS) {
        return Err(refused("begins with https, but TLS is not supported"));
    }
    let is_plain = address.scheme() == Some(&Scheme::HTTP)
        && address.host().is_some_and(|host| !host.is_empty())
        && address
            .path_and_query()
            .is_none_or(|path| path.as_str() == "/");
    is_plain
        .then_some(address)
        .ok_or_else(|| refused("is no URL such as http://host:50051"))
}

fn refuse_unsupported(environment: &Environment) -> Result<(), SettingError> {
    let set = UNSUPPORTED
        .into_iter()
        .find(|(variable, _)| environment.get(variable).is_some());
    set.map_or(Ok(()), |(variable, feature)| {
        let reason = format!("is set, but {feature} is not supported");
        Err(SettingError::new(variable, reason))
    })
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

    #[track_caller]
    fn check_address(value: &str, host: &str) {
        let environment = Environment::from_iter([("USER_SERVICE_ADDR", value)]);
        let settings = Settings::read(&environment).expect("an address");
        assert_eq!(settings.user_service.host(), Some(host));
    }

    #[test]
    fn unset_variables_take_their_defaults() {
        let settings = Settings::read(&Environment::default()).expect("defaults are valid");
        assert_eq!(settings.user_service.to_string(), "http://localhost:50051/");
        assert_eq!(settings.keepalive_time, Duration::from_mins(5));
        assert_eq!(settings.request_timeout, Duration::from_secs(10));
        assert_eq!(settings.retry.max_attempts, 3);
        assert_eq!(settings.retry.base_delay, Duration::from_millis(50));
        assert_eq!(settings.breaker.max_failures, 5);
        assert_eq!(settings.breaker.reset_timeout, Duration::from_secs(30));
        assert!(settings.common.health.optional.is_empty());
    }

    #[test]
    fn the_user_service_is_named_by_a_url() {
        check_address("http://users:1234", "users");
        check_address("http://127.0.0.1:1234/", "127.0.0.1");
        check_address("http://[::1]:1234", "[::1]");
    }

    #[test]
    fn a_value_that_cannot_be_parsed_names_its_variable_and_not_itself() {
        for address in [
            "garbage secret",
            "users:50051",
            "http:///",
            "ftp://a:1",
            "http://a:1/path",
        ] {
            check_refused("USER_SERVICE_ADDR", address);
        }
        check_refused("USER_SERVICE_ADDR", "https://users:50051");
        check_refused("USER_SERVICE_KEEPALIVE_TIME", "now and then");
        check_refused("REQUEST_TIMEOUT", "fast");
        check_refused("RETRY_MAX_ATTEMPTS", "some");
        check_refused("RETRY_BASE_DELAY", "brief");
        check_refused("BREAKER_MAX_FAILURES", "0");
        check_refused("BREAKER_RESET_TIMEOUT", "later");
        check_refused("HEALTH_OPTIONAL", "redis");
    }

    #[test]
    fn settings_of_unsupported_features_are_refused() {
        for (variable, _) in UNSUPPORTED {
            check_refused(variable, "value");
        }
    }
}
