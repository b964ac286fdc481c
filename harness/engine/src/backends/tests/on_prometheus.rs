//! Tests of Prometheus with each provider.

use std::path::PathBuf;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::{TestSandbox, containers_of, processes_in, wait_until};
use crate::backends::backend::RunningBackend as _;
use crate::backends::prometheus::{Prometheus, TARGET_LABEL};
use crate::backends::provider::{Choice, ProviderKind};
use crate::sandbox::host::Host;

/// Serves a page whose only metric is this line, on all interfaces; its port.
async fn page(line: &'static str) -> u16 {
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4";
            let length = line.len();
            let answer =
                format!("{head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{line}");
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    port
}

/// Checks what every provider of Prometheus must do.
async fn check_prometheus(prometheus: &Prometheus, kind: ProviderKind) {
    assert_eq!(prometheus.info().provider, kind);
    let good = page("pages_total 7\n").await;
    let bad = page("pages_total seven\n").await;
    let [good, bad] = [good, bad].map(|port| prometheus.scrape(([127, 0, 0, 1], port).into()));
    let (good, bad) = (good.unwrap(), bad.unwrap());
    let value = async |name: &str, target: &str| {
        let query = format!("{name}{{{TARGET_LABEL}=\"{target}\"}}");
        let series = prometheus.query(&query).await.unwrap();
        series
            .first()
            .map(super::super::prometheus::SeriesValue::number)
    };
    wait_until("both are scraped", async || {
        value("up", good.name()).await == Some(1.0) && value("up", bad.name()).await == Some(0.0)
    })
    .await;
    assert_eq!(value("pages_total", good.name()).await, Some(7.0));
    assert_eq!(prometheus.last_error(&good).await.unwrap(), "");
    assert_ne!(prometheus.last_error(&bad).await.unwrap(), "");
    assert!(prometheus.query("no query {").await.is_err());
    prometheus.check_alive().await.unwrap();
    drop(good);
    wait_until("a dropped target is scraped no more", async || {
        let query = format!("up{{{TARGET_LABEL}!=\"{}\"}}", bad.name());
        prometheus.query(&query).await.unwrap().is_empty()
    })
    .await;
}

#[tokio::test]
async fn a_prometheus_process_scrapes_and_leaves_nothing_behind() {
    let sandbox = TestSandbox::local();
    let prometheus = Prometheus::start(Choice::Process, &sandbox.0)
        .await
        .unwrap();
    check_prometheus(&prometheus, ProviderKind::Process).await;
    let folder = sandbox.0.folder.path().to_owned();
    assert!(!processes_in(&folder).is_empty());
    prometheus.stop().await;
    assert_eq!(processes_in(&folder), Vec::<PathBuf>::new());
    assert!(prometheus.check_alive().await.is_err());
}

#[tokio::test]
async fn an_external_prometheus_scrapes_the_targets_of_its_folder_and_goes_on() {
    let server_sandbox = TestSandbox::local();
    let server = Prometheus::start(Choice::Process, &server_sandbox.0)
        .await
        .unwrap();
    let targets = server_sandbox.0.folder.path().join("prometheus/targets");
    let url = format!("{}/?targets={}", server.url(), targets.display());
    let mut host = Host::local();
    host.set("CONFORMANCE_PROMETHEUS_URL", &url);
    let sandbox = TestSandbox::new(host);
    let prometheus = Prometheus::start(Choice::Auto, &sandbox.0).await.unwrap();
    check_prometheus(&prometheus, ProviderKind::External).await;
    prometheus.stop().await;
    server.check_alive().await.unwrap();
    assert_eq!(std::fs::read_dir(&targets).unwrap().count(), 0);
    server.stop().await;
}

#[tokio::test]
async fn an_external_prometheus_needs_a_folder_of_targets() {
    for (url, why) in [
        ("http://127.0.0.1:1/", "no folder"),
        ("ftp://127.0.0.1:1/?targets=/tmp", "http"),
        ("no url", "not valid"),
    ] {
        let sandbox = TestSandbox::new(Host::with_variables([("CONFORMANCE_PROMETHEUS_URL", url)]));
        let error = Prometheus::start(Choice::Auto, &sandbox.0)
            .await
            .unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }
}

#[tokio::test]
#[ignore = "needs a container engine: ci/setup --containers"]
async fn a_prometheus_container_scrapes_this_machine_and_leaves_nothing_behind() {
    let sandbox = TestSandbox::local();
    let prometheus = Prometheus::start(Choice::Container, &sandbox.0)
        .await
        .unwrap();
    check_prometheus(&prometheus, ProviderKind::Container).await;
    prometheus.stop().await;
    assert_eq!(containers_of(&sandbox).await, Vec::<String>::new());
}
