//! Facts about Jaeger, its addresses, and the probe of a server that is starting.

use std::net::SocketAddr;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;

use crate::backends::provider::{Description, error_chain};
use crate::observe::collector::Forward;

/// Names, variables and images of Jaeger.
pub(super) static JAEGER: Description = Description {
    name: "jaeger",
    title: "Jaeger",
    packages: "",
    url_variable: "CONFORMANCE_JAEGER_URL",
    image_variable: "CONFORMANCE_JAEGER_IMAGE",
    images: ["conformance-jaeger", "jaegertracing/all-in-one:1.62.0"],
};

/// The oldest supported major version.
pub(super) const MIN_VERSION: u32 = 1;

/// Timeout of a request.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The text before the version on the first page and in the output of `version`.
pub(super) const VERSION_PREFIX: &str = "\"gitVersion\":\"v";

/// Where one server takes spans and answers queries.
#[derive(Clone, Debug)]
pub(super) struct Endpoints {
    /// OTLP over gRPC.
    pub(super) otlp: SocketAddr,
    /// The URL of the query API, without a slash at its end. It may hold a password.
    pub(super) query: String,
}

/// The version of a server that accepts an export and answers on its query API; `unknown` if it does not say.
pub(super) async fn probe(endpoints: Endpoints) -> Result<String, String> {
    let page = async {
        let client = reqwest::Client::builder().no_proxy().build()?;
        let answer = client.get(&endpoints.query).timeout(TIMEOUT).send().await?;
        answer.error_for_status()?.text().await
    };
    // Without the URL, which may hold a password.
    let page = page.await.map_err(|it| error_chain(&it.without_url()))?;
    let forward = Forward::to(endpoints.otlp).map_err(|it| error_chain(&it))?;
    let empty = forward.send(ExportTraceServiceRequest::default());
    let accepted = tokio::time::timeout(TIMEOUT, empty).await;
    accepted
        .map_err(|_| format!("{} does not answer within {TIMEOUT:?}", endpoints.otlp))?
        .map_err(|status| format!("{}: {}", endpoints.otlp, status.message()))?;
    Ok(version(&page))
}

/// The version on the first page of the user interface.
fn version(page: &str) -> String {
    let version = page.split_once(VERSION_PREFIX).map(|(_, after)| after);
    let version = version.and_then(|after| after.split('"').next());
    version.unwrap_or("unknown").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_from_the_page() {
        let page =
            r#"const JAEGER_VERSION = {"gitCommit":"c","gitVersion":"v1.62.0","buildDate":"d"};"#;
        assert_eq!(version(page), "1.62.0");
        assert_eq!(version("<html>"), "unknown");
    }
}
