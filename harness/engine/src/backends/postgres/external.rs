//! A PostgreSQL server that runs already: `CONFORMANCE_POSTGRES_URL`.
//!
//! Its user must be allowed to create databases; nothing but databases of the suite's own is
//! touched. Collation, time zone and the number of connections are the server's: the suite wants
//! 100 at least, more with `--jobs`. Links carry plain text, so the server must accept that.
//! Scenarios in which the database refuses for reasons of its own may want a superuser.

use std::net::SocketAddr;

use async_trait::async_trait;
use percent_encoding::percent_decode_str;
use tokio_postgres::{Client, Config};
use url::Url;

use super::client::{connect, own_config, version};
use super::own::major;
use super::server::{Endpoint, LEAST, Login, POSTGRES, ServerHandle, Started};

use crate::backends::provider::{BackendError, BackendInfo, ProviderKind, chain};

/// Parameters that would lead past the link, or ask for what it cannot carry.
const NOT_PASSED_ON: &[&str] = &[
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

/// Reaches the server and looks whether it will do.
pub(super) async fn start(url: &str) -> Result<Started, BackendError> {
    let target = Target::parse(url).map_err(|cause| broken(cause, EXAMPLE))?;
    let address = target.resolve().await?;
    let admin = target.config(address);
    let client = connect(&admin).await;
    let look = "look at the server and at the URL";
    let client = client.map_err(|cause| broken(format!("{address}: {cause}"), look))?;
    let (version, major) = examine(&client, &target.login.user).await?;
    Ok(Started {
        info: BackendInfo {
            provider: ProviderKind::External,
            version,
        },
        endpoint: Endpoint {
            address,
            admin,
            subject: target.login,
            // It accepts no connections, so that copies do not wait.
            template: "template0",
            owner: None,
            major,
        },
        handle: Box::new(External),
    })
}

/// The server's version, if that and the role's rights will do.
async fn examine(client: &Client, user: &str) -> Result<(String, u32), BackendError> {
    let version = version(client)
        .await
        .map_err(|cause| broken(cause, EXAMPLE))?;
    let major = major(&version);
    if major < LEAST {
        let cause = format!("the server is version {version}, at least {LEAST} is wanted");
        return Err(broken(cause, "name a newer one"));
    }
    let may_create = "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user";
    let row = client.query_one(may_create, &[]).await;
    let row = row.map_err(|error| broken(chain(&error), EXAMPLE))?;
    if !row.get::<_, bool>(0) {
        let cause = format!("the role `{user}` may not create databases");
        return Err(broken(cause, "give it CREATEDB, or name another"));
    }
    Ok((version, major))
}

const EXAMPLE: &str =
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
    async fn end(&self) -> Option<BackendError> {
        None
    }

    fn is_disposable(&self) -> bool {
        false
    }

    async fn stop(&self) {}
}

/// What the URL says.
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
            return Err(format!("`{}` is no scheme of PostgreSQL", url.scheme()));
        }
        let host = url.host_str().filter(|it| !it.is_empty());
        let host = host.ok_or("names no host (a socket in a folder has no link in front of it)")?;
        let database = decoded(url.path().trim_start_matches('/'))?;
        let passed_on = |pair: &&str| {
            let name = pair.split('=').next().unwrap_or_default();
            !name.is_empty() && !NOT_PASSED_ON.contains(&name)
        };
        let query: Vec<_> = url
            .query()
            .unwrap_or_default()
            .split('&')
            .filter(passed_on)
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
        let unknown = |why: String| broken(format!("host `{}`: {why}", self.host), EXAMPLE);
        let mut found = found.map_err(|error| unknown(error.to_string()))?;
        found
            .next()
            .ok_or_else(|| unknown("has no address".to_owned()))
    }

    fn config(&self, address: SocketAddr) -> Config {
        let mut config = own_config(address);
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
        .map_err(|_| "is not UTF-8 once unescaped".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_of_a_url_is_taken_and_only_what_leads_past_the_link_is_left_out() {
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
    fn a_short_url_gets_the_usual_defaults() {
        let target = Target::parse("postgres://localhost").unwrap();
        assert_eq!((target.port, target.database.as_str()), (5432, "postgres"));
        assert_eq!(
            (target.login.user.as_str(), target.login.password),
            ("postgres", None)
        );
    }

    #[test]
    fn what_is_no_url_of_a_server_is_refused_without_showing_it() {
        for url in [
            "",
            "secret",
            "mysql://secret@host/",
            "postgres:///secret",
            "postgres://a,secret:x/",
        ] {
            let error = broken(Target::parse(url).err().unwrap(), EXAMPLE).to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_host_that_is_unknown_is_named() {
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
