//! Metrics: families as data, and the page that a scraper reads on `METRICS_PORT` (MET-1).

use std::sync::OnceLock;
use std::time::Duration;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use metrics::{
    Gauge, counter, describe_counter, describe_gauge, describe_histogram, gauge,
    set_global_recorder,
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// A family of metrics (MET-2).
pub struct Family {
    /// Its name.
    pub name: &'static str,
    /// What it counts or measures.
    pub help: &'static str,
    /// Its type.
    pub kind: Kind,
    /// The names of its labels. A family without labels is on the page from the start.
    pub labels: &'static [&'static str],
}

/// The type of a family.
pub enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// Durations, counted in these buckets; the upper bounds are in seconds.
    Histogram(&'static [f64]),
}

/// The buckets of the durations of requests (MET-4).
pub const REQUEST_BUCKETS: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// How often observations of histograms are added up, so that they do not pile up between two scrapes.
const UPKEEP: Duration = Duration::from_secs(5);

/// The recorder of this process, which the macros of `metrics` record to.
static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// Records these families from now on. A process that already records keeps its recorder.
pub fn install<'a>(families: impl IntoIterator<Item = &'a Family> + Clone) {
    let mut builder = PrometheusBuilder::new();
    for family in families.clone() {
        if let Kind::Histogram(buckets) = family.kind {
            builder = builder
                .set_buckets_for_metric(Matcher::Full(family.name.to_owned()), buckets)
                .expect("no family has an empty list of buckets");
        }
    }
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    if set_global_recorder(recorder).is_ok() {
        families.into_iter().for_each(describe);
        tokio::spawn(keep_up(handle.clone()));
        RECORDER.get_or_init(|| handle);
    }
}

fn describe(family: &Family) {
    let Family { name, help, .. } = *family;
    match family.kind {
        Kind::Counter => describe_counter!(name, help),
        Kind::Gauge => describe_gauge!(name, help),
        Kind::Histogram(_) => describe_histogram!(name, help),
    }
    match family.kind {
        Kind::Counter if family.labels.is_empty() => counter!(name).absolute(0),
        Kind::Gauge if family.labels.is_empty() => gauge!(name).set(0.0),
        _ => {}
    }
}

async fn keep_up(recorder: PrometheusHandle) {
    loop {
        tokio::time::sleep(UPKEEP).await;
        recorder.run_upkeep();
    }
}

/// A gauge that is one higher until this is dropped.
pub struct GaugeGuard(Gauge);

impl GaugeGuard {
    /// Raises the gauge by one.
    pub fn raise(gauge: Gauge) -> Self {
        gauge.increment(1.0);
        Self(gauge)
    }
}

impl Drop for GaugeGuard {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

/// `/metrics` in the Prometheus text format.
pub fn router() -> Router {
    Router::new().route("/metrics", get(page))
}

async fn page() -> impl IntoResponse {
    (
        [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        RECORDER
            .get()
            .map(PrometheusHandle::render)
            .unwrap_or_default(),
    )
}
