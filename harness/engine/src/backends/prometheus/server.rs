//! Names of Prometheus, and requests to a server.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::targets::Targets;
use crate::backends::provider::{BackendError, BackendInfo, Description, error_chain};
use crate::backends::server::ManagedServer;

/// Names, variables, packages and images of Prometheus.
pub(super) static PROMETHEUS: Description = Description {
    name: "prometheus",
    title: "Prometheus",
    packages: "prometheus",
    url_variable: "CONFORMANCE_PROMETHEUS_URL",
    image_variable: "CONFORMANCE_PROMETHEUS_IMAGE",
    images: ["conformance-prometheus", "prom/prometheus:v3.5.0"],
};

/// The oldest supported major version.
pub(super) const MIN_VERSION: u32 = 2;

/// Timeout of a request.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// The result of starting a provider: a server that answers.
pub(super) struct StartedBackend {
    pub(super) info: BackendInfo,
    pub(super) api: Api,
    pub(super) targets: Targets,
    /// The server, if the suite started it.
    pub(super) server: Option<Arc<dyn ManagedServer>>,
}

/// The configuration of a server that scrapes the targets in a folder every second.
pub(super) fn config(folder: &str) -> String {
    format!(
        "global: {{scrape_interval: 1s, scrape_timeout: 1s}}\n\
         scrape_configs:\n- job_name: conformance\n  file_sd_configs:\n  - files: ['{folder}/*.json']\n"
    )
}

/// The HTTP API of a server.
#[derive(Clone)]
pub(super) struct Api {
    client: reqwest::Client,
    /// Without a slash at its end.
    url: String,
}

/// A series of an instant query.
#[derive(Clone, Debug, Deserialize)]
pub struct SeriesValue {
    /// Its labels; its name is `__name__`.
    pub metric: BTreeMap<String, String>,
    /// A time in seconds, and the value as text.
    value: (f64, String),
}

impl SeriesValue {
    /// The value; NaN where it is no number.
    pub fn number(&self) -> f64 {
        self.value.1.parse().unwrap_or(f64::NAN)
    }
}

#[derive(Deserialize)]
struct Response<T> {
    data: T,
}

#[derive(Deserialize)]
struct QueryResult {
    result: Vec<SeriesValue>,
}

#[derive(Deserialize)]
struct BuildInfo {
    version: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ActiveTargets {
    active_targets: Vec<ActiveTarget>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ActiveTarget {
    labels: BTreeMap<String, String>,
    last_error: String,
}

impl Api {
    /// The API of the server at this URL.
    pub(super) fn new(url: &str) -> Result<Self, String> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(RESPONSE_TIMEOUT)
            .build()
            .map_err(|error| error_chain(&error))?;
        Ok(Self {
            client,
            url: url.trim_end_matches('/').to_owned(),
        })
    }

    /// The URL of the server.
    #[cfg(test)]
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// The version that the server reports, once it is ready: `2.42.0`.
    pub(super) async fn version(&self) -> Result<String, String> {
        let ready = self
            .client
            .get(format!("{}/-/ready", self.url))
            .send()
            .await;
        let ready = ready.and_then(reqwest::Response::error_for_status);
        ready.map_err(|error| error_chain(&error.without_url()))?;
        let info: BuildInfo = self.get("status/buildinfo", &[]).await?;
        Ok(info.version)
    }

    /// The series of an instant query.
    pub(super) async fn query(&self, query: &str) -> Result<Vec<SeriesValue>, String> {
        let found: QueryResult = self.get("query", &[("query", query)]).await?;
        Ok(found.result)
    }

    /// The error of the newest scrape of the target with this label; empty if it succeeded.
    pub(super) async fn last_error(&self, label: (&str, &str)) -> Result<String, String> {
        let found: ActiveTargets = self.get("targets", &[("state", "active")]).await?;
        let is_ours = |it: &ActiveTarget| it.labels.get(label.0).is_some_and(|it| it == label.1);
        let target = found.active_targets.into_iter().find(is_ours);
        Ok(target.map_or_else(|| "no such target".to_owned(), |it| it.last_error))
    }

    async fn get<T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        parameters: &[(&str, &str)],
    ) -> Result<T, String> {
        let mut url = url::Url::parse(&format!("{}/api/v1/{path}", self.url))
            .map_err(|error| error_chain(&error))?;
        url.query_pairs_mut().extend_pairs(parameters);
        let exchange = async {
            let response = self.client.get(url).send().await?.error_for_status()?;
            response.json::<Response<T>>().await
        };
        // A URL may hold a password.
        let response = exchange.await;
        let response = response.map_err(|error| error_chain(&error.without_url()))?;
        Ok(response.data)
    }
}

/// An error about a server that does not answer as it should.
pub(super) fn broken(cause: impl Into<String>, advice: &str) -> BackendError {
    BackendError::broken(&PROMETHEUS, cause, advice)
}
