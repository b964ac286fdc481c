//! A PostgreSQL server that already runs: `CONFORMANCE_POSTGRES_URL`.
//!
//! Its role must be allowed to create databases; the suite touches only databases that it created.
//! Collation, time zone and maximum number of connections are the server's; the suite needs at least 100
//! connections, more with `--jobs`. Links forward plain text, so the server must accept connections without
//! TLS. Scenarios that make the database refuse requests may need a superuser.

use std::net::SocketAddr;

use async_trait::async_trait;
use percent_encoding::percent_decode_str;
use tokio_postgres::{Client, Config};
use url::Url;

use super::client::{connect, suite_config, version};
use super::managed::major;
use super::server::{Endpoint, Login, MIN_VERSION, POSTGRES, ServerHandle, StartedBackend};

use crate::backends::provider::{BackendError, BackendInfo, ProviderKind, error_chain};

/// Query parameters that are removed: they would bypass the link, or require TLS, which links do not support.
const REMOVED_PARAMETERS: &[&str] = &[
    "sslmode",
    "ssl",
    "sslnegotiation",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "channel_binding",
    "host",
    "hostaddr",
    "port",
    "dbname",
];

/// Connects to the server and checks whether it is suitable.
pub(super) async fn start(url: &str) -> Result<StartedBackend, BackendError> {
    let target = Target::parse(url).map_err(|cause| broken(cause, URL_EXAMPLE))?;
    let address = target.resolve().await?;
    let admin = target.config(address);
    let client = connect(&admin).await;
    let advice = "check the server and the URL";
    let client = client.map_err(|cause| broken(format!("{address}: {cause}"), advice))?;
    let (version, major) = examine(&client, &target.login.user).await?;
    Ok(StartedBackend {
        info: BackendInfo {
            provider: ProviderKind::External,
            version,
        },
        endpoint: Endpoint {
            address,
            admin,
            subject: target.login,
            // template0 accepts no connections, so that copying it never has to wait.
            template: "template0",
            owner: None,
            major,
        },
        handle: Box::new(External),
    })
}

/// The server's version; fails if it is too old, or if the role may not create databases.
async fn examine(client: &Client, user: &str) -> Result<(String, u32), BackendError> {
    let version = version(client)
        .await
        .map_err(|cause| broken(cause, URL_EXAMPLE))?;
    let major = major(&version);
    if major < MIN_VERSION {
        let cause = format!("the server is version {version}, at least {MIN_VERSION} is required");
        return Err(broken(cause, "name a newer one"));
    }
    let may_create = "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user";
    let row = client.query_one(may_create, &[]).await;
    let row = row.map_err(|error| broken(error_chain(&error), URL_EXAMPLE))?;
    if !row.get::<_, bool>(0) {
        let cause = format!("the role `{user}` may not create databases");
        return Err(broken(cause, "give it CREATEDB, or name another"));
    }
    Ok((version, major))
}

const URL_EXAMPLE: &str =
    "CONFORMANCE_POSTGRES_URL is like postgres://user:password@host:5432/postgres";

fn broken(cause: impl Into<String>, advice: &str) -> BackendError {
    BackendError::broken(
        &POSTGRES,
        format!("CONFORMANCE_POSTGRES_URL: {}", cause.into()),
        advice,
    )
}

struct External;

#[async_trait]
impl ServerHandle for External {
    async fn exit_error(&self) -> Option<BackendError> {
        None
    }

    fn is_disposable(&self) -> bool {
        false
    }

    async fn stop(&self) {}
}

/// The parts of the URL.
struct Target {
    host: String,
    port: u16,
    database: String,
    options: Option<String>,
    login: Login,
}

impl Target {
    fn parse(url: &str) -> Result<Self, String> {
        let url = Url::parse(url).map_err(|error| error.to_string())?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(format!(
                "`{}` is not a URL scheme of PostgreSQL",
                url.scheme()
            ));
        }
        let host = url.host_str().filter(|it| !it.is_empty());
        let host =
            host.ok_or("names no host (Unix sockets are not supported, because links need TCP)")?;
        let database = decoded(url.path().trim_start_matches('/'))?;
        let is_kept = |pair: &&str| {
            let name = pair.split('=').next().unwrap_or_default();
            !name.is_empty() && !REMOVED_PARAMETERS.contains(&name)
        };
        let query: Vec<_> = url
            .query()
            .unwrap_or_default()
            .split('&')
            .filter(is_kept)
            .collect();
        let options = url.query_pairs().find(|(name, _)| name == "options");
        Ok(Self {
            host: decoded(host.trim_start_matches('[').trim_end_matches(']'))?,
            port: url.port().unwrap_or(5432),
            database: if database.is_empty() {
                "postgres".to_owned()
            } else {
                database
            },
            options: options.map(|(_, value)| value.into_owned()),
            login: Login {
                user: match url.username() {
                    "" => "postgres".to_owned(),
                    user => decoded(user)?,
                },
                password: url.password().map(decoded).transpose()?,
                parameters: query.iter().flat_map(|it| [it, "&"]).collect(),
            },
        })
    }

    async fn resolve(&self) -> Result<SocketAddr, BackendError> {
        let found = tokio::net::lookup_host((self.host.as_str(), self.port)).await;
        let unknown = |why: String| broken(format!("host `{}`: {why}", self.host), URL_EXAMPLE);
        let mut found = found.map_err(|error| unknown(error.to_string()))?;
        found
            .next()
            .ok_or_else(|| unknown("has no address".to_owned()))
    }

    fn config(&self, address: SocketAddr) -> Config {
        let mut config = suite_config(address);
        config.user(&self.login.user).dbname(&self.database);
        if let Some(password) = &self.login.password {
            config.password(password);
        }
        if let Some(options) = &self.options {
            config.options(options);
        }
        config
    }
}

fn decoded(text: &str) -> Result<String, String> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| "is not valid UTF-8 once unescaped".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_parts_of_a_url_are_parsed_and_parameters_that_bypass_the_link_are_removed() {
        let url = "postgresql://us%40er:p%25w%2F@db.example:6000/maint?sslmode=require&options=-c%20a%3Db&x=1&host=y";
        let target = Target::parse(url).unwrap();
        assert_eq!((target.host.as_str(), target.port), ("db.example", 6000));
        assert_eq!(target.database, "maint");
        assert_eq!(target.login.user, "us@er");
        assert_eq!(target.login.password.as_deref(), Some("p%w/"));
        assert_eq!(target.login.parameters, "options=-c%20a%3Db&x=1&");
        assert_eq!(target.options.as_deref(), Some("-c a=b"));
    }

    #[test]
    fn missing_parts_of_a_url_get_defaults() {
        let target = Target::parse("postgres://localhost").unwrap();
        assert_eq!((target.port, target.database.as_str()), (5432, "postgres"));
        assert_eq!(
            (target.login.user.as_str(), target.login.password),
            ("postgres", None)
        );
    }

    #[test]
    fn an_unsupported_url_is_refused_without_showing_its_secrets() {
        for url in [
            "",
            "secret",
            "mysql://secret@host/",
            "postgres:///secret",
            "postgres://a,secret:x/",
        ] {
            let error = broken(Target::parse(url).err().unwrap(), URL_EXAMPLE).to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[tokio::test]
    async fn an_unknown_host_is_named() {
        let error = start("postgres://user:secret@no-such-host.invalid/")
            .await
            .err()
            .unwrap();
        assert!(
            error.to_string().contains("no-such-host.invalid"),
            "{error}"
        );
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
