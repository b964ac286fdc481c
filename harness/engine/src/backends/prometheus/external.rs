//! A Prometheus server that already runs: `CONFORMANCE_PROMETHEUS_URL`.
//!
//! The suite cannot configure it. It must scrape, every second, what the files of a folder of this machine name
//! (`file_sd_configs`), and the URL names that folder: `http://127.0.0.1:9090/?targets=/srv/targets`. Only files that
//! the suite wrote are removed.

use std::path::PathBuf;

use url::Url;

use super::server::{Api, StartedBackend, broken};
use super::targets::Targets;
use crate::backends::provider::{BackendError, BackendInfo, ProviderKind};

/// What the variable must hold.
const URL_EXAMPLE: &str = "set CONFORMANCE_PROMETHEUS_URL to http://HOST:9090/?targets=FOLDER, a folder whose *.json the server's file_sd_configs name";

/// Connects to the server.
pub(super) async fn start(url: &str) -> Result<StartedBackend, BackendError> {
    let (url, folder) = parse(url).map_err(|cause| broken(cause, URL_EXAMPLE))?;
    let info = examine_at(&url).await?;
    if !folder.is_dir() {
        let cause = format!("{} is no folder", folder.display());
        return Err(broken(cause, URL_EXAMPLE));
    }
    let api = Api::new(url.as_str()).map_err(|cause| broken(cause, URL_EXAMPLE))?;
    Ok(StartedBackend {
        info,
        api,
        targets: Targets::new(&folder, None),
        server: None,
    })
}

/// The version of the server at this URL.
pub(super) async fn examine(url: &str) -> Result<BackendInfo, BackendError> {
    let (url, _) = parse(url).map_err(|cause| broken(cause, URL_EXAMPLE))?;
    examine_at(&url).await
}

async fn examine_at(url: &Url) -> Result<BackendInfo, BackendError> {
    let host = url.host_str().unwrap_or_default();
    let address = format!("{host}:{}", url.port_or_known_default().unwrap_or_default());
    let advice = "check the server and the URL";
    let failed = |cause: String| broken(format!("{address}: {cause}"), advice);
    let api = Api::new(url.as_str()).map_err(failed)?;
    let version = api.version().await.map_err(failed)?;
    Ok(BackendInfo {
        provider: ProviderKind::External,
        version,
    })
}

/// The URL of the server, and the folder of its targets.
fn parse(text: &str) -> Result<(Url, PathBuf), String> {
    let mut url = Url::parse(text).map_err(|error| format!("the URL is not valid: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err("the URL is none of http or https".to_owned());
    }
    let folder = url.query_pairs().find(|(name, _)| name == "targets");
    let folder = folder.map(|(_, value)| PathBuf::from(value.into_owned()));
    let folder = folder.ok_or("the URL names no folder of targets")?;
    url.set_query(None);
    Ok((url, folder))
}
