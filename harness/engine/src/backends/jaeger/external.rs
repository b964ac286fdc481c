//! A Jaeger that already runs: `CONFORMANCE_JAEGER_URL`, the URL of its query API.
//!
//! It takes spans on port 4317 of the same host, or on that of the URL's parameter `otlp`. The suite only adds traces.

use url::Url;

use super::server::{Endpoints, JAEGER, probe};
use crate::backends::provider::BackendError;

/// The port of OTLP over gRPC, unless the URL names another.
const OTLP_PORT: u16 = 4317;

const URL_EXAMPLE: &str = "CONFORMANCE_JAEGER_URL is like http://host:16686?otlp=4317";

/// Connects to the server; the text is its version.
pub(super) async fn start(url: &str) -> Result<(Endpoints, String), BackendError> {
    let endpoints = parse(url).await.map_err(|cause| broken(&cause))?;
    let version = probe(endpoints.clone()).await;
    let version = version.map_err(|cause| broken(&format!("{}: {cause}", address(url))))?;
    Ok((endpoints, version))
}

/// Host and port of a URL, without a password.
fn address(url: &str) -> String {
    let address = Url::parse(url).ok().and_then(|url| {
        let (host, port) = (url.host_str()?.to_owned(), url.port_or_known_default()?);
        Some(format!("{host}:{port}"))
    });
    address.unwrap_or_default()
}

fn broken(cause: &str) -> BackendError {
    let cause = format!("CONFORMANCE_JAEGER_URL: {cause}");
    BackendError::broken(&JAEGER, cause, URL_EXAMPLE)
}

/// Parses the URL and resolves its host.
async fn parse(url: &str) -> Result<Endpoints, String> {
    let mut url = Url::parse(url).map_err(|error| error.to_string())?;
    if url.scheme() != "http" {
        return Err(format!("the scheme {:?} is not http", url.scheme()));
    }
    let otlp = url.query_pairs().find(|(name, _)| name == "otlp");
    let port = match otlp {
        Some((_, port)) => port
            .parse()
            .map_err(|_| format!("otlp={port} is no port"))?,
        None => OTLP_PORT,
    };
    let host = url.host_str().ok_or("no host")?.to_owned();
    let found = tokio::net::lookup_host((host.as_str(), port)).await;
    let mut found = found.map_err(|error| format!("{host} is not found: {error}"))?;
    let otlp = found
        .next()
        .ok_or_else(|| format!("{host} has no address"))?;
    url.set_query(None);
    Ok(Endpoints {
        otlp,
        query: url.as_str().trim_end_matches('/').to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_url_names_the_query_api_and_the_port_for_spans() {
        let parsed = parse("http://127.0.0.1:16686/?otlp=7")
            .await
            .expect("a URL");
        assert_eq!(parsed.query, "http://127.0.0.1:16686");
        assert_eq!(parsed.otlp.to_string(), "127.0.0.1:7");
        let parsed = parse("http://127.0.0.1/jaeger/").await.expect("a URL");
        assert_eq!(parsed.query, "http://127.0.0.1/jaeger");
        assert_eq!(parsed.otlp.port(), OTLP_PORT);
        for wrong in [
            "jaeger:16686",
            "https://127.0.0.1",
            "http://127.0.0.1?otlp=x",
        ] {
            assert!(parse(wrong).await.is_err(), "{wrong}");
        }
    }
}
