//! What Prometheus has scraped of a program, by queries in its language.

use std::net::SocketAddr;
use std::sync::Arc;

use conformance_engine::backends::prometheus::{Prometheus, SeriesValue, TARGET_LABEL, Target};
use conformance_engine::failure::StepResult;

use super::backend_failure;

/// A program that Prometheus scrapes, until this is dropped.
pub struct Scraped {
    prometheus: Arc<Prometheus>,
    target: Target,
}

/// All that was scraped of a program: longer than a scenario takes.
const WINDOW: &str = "10m";

impl Scraped {
    /// Scrapes `/metrics` of a port of this machine.
    pub fn begin(prometheus: Arc<Prometheus>, port: u16) -> StepResult<Self> {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let target = prometheus.scrape(address).map_err(backend_failure)?;
        Ok(Self { prometheus, target })
    }

    /// The value of a query without labels in its result; `None` if it has no result. In the query, `#` stands for the
    /// label of the program's series.
    pub async fn value(&self, query: &str) -> StepResult<Option<f64>> {
        let label = format!("{TARGET_LABEL}=\"{}\"", self.target.name());
        let query = query.replace('#', &label);
        let series = self.prometheus.query(&query).await;
        let series = series.map_err(backend_failure)?;
        Ok(series.first().map(SeriesValue::number))
    }

    /// Whether the newest scrape succeeded; `None` before the first.
    pub async fn is_up(&self) -> StepResult<Option<bool>> {
        let up = self.value("up{#}").await?;
        Ok(up.map(|it| it > 0.5))
    }

    /// Why the newest scrape failed.
    pub async fn last_error(&self) -> StepResult<String> {
        let error = self.prometheus.last_error(&self.target).await;
        error.map_err(backend_failure)
    }

    /// The newest sum of all series of a family.
    pub async fn sum(&self, family: &str) -> StepResult<Option<f64>> {
        self.value(&format!("sum({family}{{#}})")).await
    }

    /// By how much the series of a counter have grown from their first scrape to the newest.
    pub async fn growth(&self, family: &str) -> StepResult<Option<f64>> {
        let over = |function: &str| format!("{function}_over_time({family}{{#}}[{WINDOW}])");
        self.value(&format!("sum({} - {})", over("max"), over("min")))
            .await
    }

    /// The same by `increase`, which extrapolates.
    pub async fn increase(&self, family: &str) -> StepResult<Option<f64>> {
        self.value(&format!("sum(increase({family}{{#}}[{WINDOW}]))"))
            .await
    }

    /// A quantile of what a histogram has observed since the first scrape, in seconds.
    pub async fn quantile(&self, quantile: f64, family: &str) -> StepResult<Option<f64>> {
        let buckets = format!("sum by (le) (increase({family}_bucket{{#}}[{WINDOW}]))");
        let query = format!("histogram_quantile({quantile}, {buckets})");
        self.value(&query).await
    }
}
