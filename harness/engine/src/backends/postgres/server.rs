//! The trait and result of every PostgreSQL provider.

use std::net::SocketAddr;

use async_trait::async_trait;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio_postgres::Config;

use crate::backends::provider::{BackendError, BackendInfo, Description};

/// Names, variables, packages and images of PostgreSQL.
pub(super) static POSTGRES: Description = Description {
    name: "postgres",
    title: "PostgreSQL",
    packages: "postgresql",
    url_variable: "CONFORMANCE_POSTGRES_URL",
    image_variable: "CONFORMANCE_POSTGRES_IMAGE",
    images: ["conformance-postgres", "postgres:17"],
};

/// The oldest supported major version: the first with `DROP DATABASE ... WITH (FORCE)`.
pub(super) const MIN_VERSION: u32 = 13;

/// The result of starting a provider: a server that answers.
pub(super) struct StartedBackend {
    pub(super) info: BackendInfo,
    pub(super) endpoint: Endpoint,
    pub(super) handle: Box<dyn ServerHandle>,
}

/// Address, roles and template of a server.
pub(super) struct Endpoint {
    /// The server's address.
    pub(super) address: SocketAddr,
    /// The suite's connection settings for the maintenance database.
    pub(super) admin: Config,
    /// The subject's credentials.
    pub(super) subject: Login,
    /// The template of empty databases.
    pub(super) template: &'static str,
    /// The role that owns the databases; `None` means the suite's role.
    pub(super) owner: Option<String>,
    /// The server's major version.
    pub(super) major: u32,
}

/// Credentials and parameters of a `DATABASE_URL`, the same for all databases.
pub(super) struct Login {
    pub(super) user: String,
    pub(super) password: Option<String>,
    /// Query parameters as written in the URL, each followed by `&`.
    pub(super) parameters: String,
}

/// A provider's handle to its running server.
#[async_trait]
pub(super) trait ServerHandle: Send + Sync {
    /// After a failed request: an error if the server has exited.
    async fn exit_error(&self) -> Option<BackendError>;

    /// Whether stopping the server also removes its databases.
    fn is_disposable(&self) -> bool;

    /// Stops the server if the provider started it.
    async fn stop(&self);
}

impl Login {
    /// The `DATABASE_URL` of a database, with the address `via` of a link.
    pub(super) fn url(&self, via: SocketAddr, database: &str) -> String {
        let escaped = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let password = self.password.as_deref();
        let password = password
            .map(|password| format!(":{}", escaped(password)))
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
    fn special_characters_in_user_and_password_are_escaped() {
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
