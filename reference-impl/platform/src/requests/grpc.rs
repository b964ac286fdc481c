//! Calls over gRPC.

use axum::extract::Request;
use axum::http::HeaderMap;
use axum::response::Response;
use metrics::Label;
use tonic::{Code, Status};

use super::{Description, End, Line, LoggedError, Protocol, RequestStatus, SpanStart};
use crate::metrics::{Family, Kind, REQUEST_BUCKETS};
use crate::traces::KeyValue;

const REQUESTS: &str = "grpc_requests_total";
const DURATIONS: &str = "grpc_request_duration_seconds";

/// The families of gRPC calls (MET-2).
pub const GRPC_FAMILIES: &[Family] = &[
    Family {
        name: REQUESTS,
        help: "gRPC calls that have ended.",
        kind: Kind::Counter,
        labels: &["method", "status"],
    },
    Family {
        name: DURATIONS,
        help: "Time from a gRPC call's arrival to its end.",
        kind: Kind::Histogram(REQUEST_BUCKETS),
        labels: &["method"],
    },
];

/// The method of all calls with an unknown one (MET-3).
const UNKNOWN_METHOD: &str = "unknown";

/// gRPC of a program with one service of its own.
#[derive(Clone, Copy)]
pub struct Grpc {
    /// The paths of its methods, such as `/user.v1.UserService/GetUser`.
    pub methods: &'static [&'static str],
    /// Services of gRPC itself, such as `/grpc.health.v1.Health/`: their calls are not recorded.
    pub probes: &'static [&'static str],
}

impl Grpc {
    /// The path of a known method; none for a probe.
    fn method(&self, path: &str) -> Option<&'static str> {
        if self.probes.iter().any(|probe| path.starts_with(probe)) {
            return None;
        }
        let known = self.methods.iter().find(|known| **known == path);
        Some(known.copied().unwrap_or(UNKNOWN_METHOD))
    }
}

impl Protocol for Grpc {
    const COUNTER: &'static str = REQUESTS;
    const HISTOGRAM: &'static str = DURATIONS;
    const MESSAGE: &'static str = "call";

    fn describe(&self, request: &Request) -> Option<Description> {
        let method = self.method(request.uri().path())?;
        Some(Description {
            labels: vec![Label::new("method", method)],
            line: Some(Line {
                method: method.to_owned(),
                path: None,
            }),
            span: Some(span_start(method)),
            in_flight: None,
        })
    }

    /// A call that is refused ends with its head.
    fn end_in_head(response: &Response) -> Option<End> {
        Self::end_in_trailers(response.headers())
    }

    fn end_in_trailers(trailers: &HeaderMap) -> Option<End> {
        Status::from_header_map(trailers).map(|status| end(&status))
    }

    fn cancelled() -> End {
        end(&Status::cancelled("cancelled by the client"))
    }
}

/// The span of a call of the method with this path, on either side (TRC-4).
pub fn span_start(path: &'static str) -> SpanStart {
    let method = path.trim_start_matches('/');
    SpanStart {
        name: method.into(),
        attributes: vec![
            KeyValue::new("rpc.system.name", "grpc"),
            KeyValue::new("rpc.method", method),
        ],
    }
}

fn end(status: &Status) -> End {
    let code = status.code();
    let message = match status.message() {
        "" => code.description(),
        message => message,
    };
    End {
        status: RequestStatus::Grpc(code),
        error: (code != Code::Ok).then(|| LoggedError::new(message.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRPC: Grpc = Grpc {
        methods: &["/user.v1.UserService/GetUser"],
        probes: &["/grpc.health.v1.Health/"],
    };

    #[test]
    fn unknown_methods_share_a_name_and_probes_have_none() {
        let known = "/user.v1.UserService/GetUser";
        assert_eq!(GRPC.method(known), Some(known));
        for unknown in [
            "/user.v1.UserService/x\ny",
            "/user.v1.UserService/",
            "/other/GetUser",
            "/",
        ] {
            assert_eq!(GRPC.method(unknown), Some("unknown"), "{unknown:?}");
        }
        assert_eq!(GRPC.method("/grpc.health.v1.Health/Check"), None);
    }
}
