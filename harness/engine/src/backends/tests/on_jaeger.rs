//! Tests of Jaeger with each provider.

use std::path::PathBuf;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;

use super::{TestSandbox, containers_of, processes_in};
use crate::backends::backend::RunningBackend as _;
use crate::backends::jaeger::Jaeger;
use crate::backends::provider::{Choice, ProviderKind};
use crate::observe::collector::Forward;
use crate::sandbox::host::Host;

/// Checks what every provider of Jaeger must do.
async fn check_jaeger(jaeger: &Jaeger, kind: ProviderKind) {
    assert_eq!(jaeger.info().provider, kind);
    let version = &jaeger.info().version;
    assert!(
        version.starts_with(|it: char| it.is_ascii_digit()),
        "{version}"
    );
    jaeger.check_alive().await.unwrap();
    let forward = Forward::to(jaeger.otlp_address()).unwrap();
    forward
        .send(ExportTraceServiceRequest::default())
        .await
        .unwrap();
    let services = format!("{}/api/services", jaeger.query_url());
    let answer = reqwest::get(services).await.unwrap();
    assert!(answer.status().is_success(), "{answer:?}");
}

#[tokio::test]
async fn a_jaeger_process_serves_and_leaves_nothing_behind() {
    let sandbox = TestSandbox::local();
    let jaeger = Jaeger::start(Choice::Process, &sandbox.0).await.unwrap();
    check_jaeger(&jaeger, ProviderKind::Process).await;
    let folder = sandbox.0.folder.path().to_owned();
    assert!(!processes_in(&folder).is_empty());
    jaeger.stop().await;
    assert_eq!(processes_in(&folder), Vec::<PathBuf>::new());
    assert!(jaeger.check_alive().await.is_err());
}

#[tokio::test]
async fn an_external_jaeger_is_used_and_left_running() {
    let server_sandbox = TestSandbox::local();
    let server = Jaeger::start(Choice::Process, &server_sandbox.0)
        .await
        .unwrap();
    let url = format!(
        "{}?otlp={}",
        server.query_url(),
        server.otlp_address().port()
    );
    let variables = [("CONFORMANCE_JAEGER_URL", url.as_str())];
    let sandbox = TestSandbox::new(Host::with_variables(variables));
    let external = Jaeger::start(Choice::Auto, &sandbox.0).await.unwrap();
    check_jaeger(&external, ProviderKind::External).await;
    external.stop().await;
    server.check_alive().await.unwrap();
    server.stop().await;
}

#[tokio::test]
#[ignore = "needs a container engine: ci/setup --containers"]
async fn a_jaeger_in_a_container_does_what_every_provider_must_do_and_is_removed() {
    let sandbox = TestSandbox::local();
    let jaeger = Jaeger::start(Choice::Container, &sandbox.0).await.unwrap();
    check_jaeger(&jaeger, ProviderKind::Container).await;
    jaeger.stop().await;
    assert_eq!(containers_of(&sandbox).await, Vec::<String>::new());
}
