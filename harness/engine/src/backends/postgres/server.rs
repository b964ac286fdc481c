//! What every provider of PostgreSQL hands over, and what the suite wants of it.

use std::net::SocketAddr;

use async_trait::async_trait;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio_postgres::Config;

use crate::backends::provider::{BackendError, BackendInfo, Description};

/// PostgreSQL, as messages and reports name it.
pub(super) static POSTGRES: Description = Description {
    name: "postgres",
    title: "PostgreSQL",
    packages: "postgresql",
    url_variable: "CONFORMANCE_POSTGRES_URL",
    image_variable: "CONFORMANCE_POSTGRES_IMAGE",
    images: ["conformance-postgres", "postgres:17"],
};

/// The oldest major version that will do: it has `DROP DATABASE ... WITH (FORCE)`.
pub(super) const LEAST: u32 = 13;

/// What a provider hands over: a server that answers.
pub(super) struct Started {
    pub(super) info: BackendInfo,
    pub(super) endpoint: Endpoint,
    pub(super) handle: Box<dyn ServerHandle>,
}

/// How a server is reached.
pub(super) struct Endpoint {
    /// Where it listens.
    pub(super) address: SocketAddr,
    /// The suite's own way to the maintenance database.
    pub(super) admin: Config,
    /// Who the subject is.
    pub(super) subject: Login,
    /// What an empty database is made from.
    pub(super) template: &'static str,
    /// The role that gets the databases, unless that is the suite's own.
    pub(super) owner: Option<String>,
    /// The first number of the server's version.
    pub(super) major: u32,
}

/// What of a `DATABASE_URL` does not change from database to database.
pub(super) struct Login {
    pub(super) user: String,
    pub(super) password: Option<String>,
    /// Parameters of the query as they were written, each followed by `&`.
    pub(super) parameters: String,
}

/// What a provider does for a running server.
#[async_trait]
pub(super) trait ServerHandle: Send + Sync {
    /// The server's end, if that lies behind its not answering.
    async fn end(&self) -> Option<BackendError>;

    /// Whether all databases go with the server when it stops.
    fn is_disposable(&self) -> bool;

    /// Ends what the provider started.
    async fn stop(&self);
}

impl Login {
    /// The `DATABASE_URL` of a database, by way of a link's address.
    pub(super) fn url(&self, via: SocketAddr, database: &str) -> String {
        let escaped = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let password = self.password.as_deref();
        let password = password
            .map(|it| format!(":{}", escaped(it)))
            .unwrap_or_default();
        format!(
            "postgres://{}{password}@{via}/{database}?{}sslmode=disable",
            escaped(&self.user),
            self.parameters
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_of_any_characters_survives_the_url() {
        let login = Login {
            user: "us er".to_owned(),
            password: Some("p%40:/?#[]é".to_owned()),
            parameters: "application_name=x&".to_owned(),
        };
        let url = login.url(([127, 0, 0, 1], 4321).into(), "db");
        assert!(
            url.ends_with("@127.0.0.1:4321/db?application_name=x&sslmode=disable"),
            "{url}"
        );
        let read: Config = url.parse().unwrap();
        assert_eq!(read.get_user(), Some("us er"));
        assert_eq!(read.get_password(), Some("p%40:/?#[]é".as_bytes()));
    }
}
