//! The gRPC service of a collector, and how it answers.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::TraceService;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use tonic::{Request, Response, Status};

use super::decode;
use super::forward::Forward;
use super::store::Store;
use crate::observe::elapse;

/// How a collector answers every export.
#[derive(Clone, Debug, Default)]
pub enum Answer {
    /// It keeps the spans.
    #[default]
    Accept,
    /// It keeps the spans, and answers when the other collector has accepted them as well.
    Forward(Forward),
    /// It keeps the spans, and answers after this time.
    After(Duration),
    /// It answers OK, but that it rejected every span.
    RejectSpans,
    /// It fails with UNAVAILABLE.
    Unavailable,
    /// It never answers.
    Never,
}

/// The service of one collector.
#[derive(Debug)]
pub struct Service {
    store: Arc<Store>,
    answer: Answer,
}

impl Service {
    /// Keeps spans in `store`.
    pub fn new(store: Arc<Store>, answer: Answer) -> Self {
        Self { store, answer }
    }

    fn keep(&self, request: ExportTraceServiceRequest) {
        for span in decode::spans(request) {
            self.store.add(span);
        }
    }
}

#[async_trait]
impl TraceService for Service {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let request = request.into_inner();
        match &self.answer {
            Answer::Accept => self.keep(request),
            Answer::Forward(forward) => {
                forward.send(request.clone()).await?;
                self.keep(request);
            }
            Answer::After(time) => {
                elapse(*time).await;
                self.keep(request);
            }
            Answer::RejectSpans => return Ok(Response::new(rejected(&request))),
            Answer::Unavailable => return Err(Status::unavailable("the collector is overloaded")),
            Answer::Never => std::future::pending().await,
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

fn rejected(request: &ExportTraceServiceRequest) -> ExportTraceServiceResponse {
    let scopes = request.resource_spans.iter().flat_map(|it| &it.scope_spans);
    let count: usize = scopes.map(|scope| scope.spans.len()).sum();
    ExportTraceServiceResponse {
        partial_success: Some(ExportTracePartialSuccess {
            rejected_spans: i64::try_from(count).unwrap_or(i64::MAX),
            error_message: "the collector accepts no spans".to_owned(),
        }),
    }
}
