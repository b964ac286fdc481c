//! Whether a span has the name and the attributes of its call (TRC-4), by the conventions or their older names.

use conformance_engine::observe::spans::{Kind, Span, Value};

/// The gRPC service of all calls.
const SERVICE: &str = "user.v1.UserService";

/// A call about users, as spans show it.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// The gRPC method: `GetUser`.
    pub method: &'static str,
    /// The HTTP method: `GET`.
    pub verb: &'static str,
    /// The route's template: `/api/v1/users/{id}`.
    pub route: &'static str,
    /// The HTTP status of a success.
    pub success: u16,
}

const OPERATIONS: [Operation; 5] = [
    operation("ListUsers", "GET", USERS, 200),
    operation("CreateUser", "POST", USERS, 201),
    operation("GetUser", "GET", ONE_USER, 200),
    operation("UpdateUser", "PUT", ONE_USER, 200),
    operation("DeleteUser", "DELETE", ONE_USER, 204),
];

const USERS: &str = "/api/v1/users";
const ONE_USER: &str = "/api/v1/users/{id}";

const fn operation(
    method: &'static str,
    verb: &'static str,
    route: &'static str,
    success: u16,
) -> Operation {
    Operation {
        method,
        verb,
        route,
        success,
    }
}

impl Operation {
    /// The operation of a gRPC method.
    pub fn of(method: &str) -> Option<Self> {
        OPERATIONS.into_iter().find(|it| it.method == method)
    }

    /// `user.v1.UserService/GetUser`.
    pub fn full_method(&self) -> String {
        format!("{SERVICE}/{}", self.method)
    }
}

/// What is wrong with a gateway's SERVER span of an operation that was answered with this status.
pub fn http_server(span: &Span, operation: &Operation, status: u16) -> Vec<String> {
    let mut wrong = Vec::new();
    let name = format!("{} {}", operation.verb, operation.route);
    wrong.extend((span.name != name).then(|| format!("the name {:?}, not {name:?}", span.name)));
    wrong.extend(differs(
        span,
        &["http.request.method", "http.method"],
        |it| it.text() == Some(operation.verb),
        operation.verb,
    ));
    wrong.extend(differs(
        span,
        &["http.response.status_code", "http.status_code"],
        |it| *it == Value::Integer(i64::from(status)),
        &status.to_string(),
    ));
    wrong.extend(differs(
        span,
        &["http.route"],
        |route| {
            let route = route.text();
            route.is_some_and(|route| template(route) == template(operation.route))
        },
        operation.route,
    ));
    wrong
}

/// What is wrong with a user service's SERVER span of an operation.
pub fn grpc_server(span: &Span, operation: &Operation) -> Vec<String> {
    let name = operation.full_method();
    let wrong = (span.name != name).then(|| format!("the name {:?}, not {name:?}", span.name));
    wrong.into_iter().chain(rpc(span, operation)).collect()
}

/// What is wrong with a gateway's CLIENT span of an operation. Some libraries put a prefix before its name, such as a slash
/// or `grpc.`, that a program cannot change.
pub fn grpc_client(span: &Span, operation: &Operation) -> Vec<String> {
    let name = operation.full_method();
    let is_named = span.name.ends_with(&name);
    let wrong = (!is_named).then(|| format!("the name {:?}, not {name:?}", span.name));
    wrong.into_iter().chain(rpc(span, operation)).collect()
}

/// The method is qualified by its service, or the service is an attribute of its own.
fn rpc(span: &Span, operation: &Operation) -> Vec<String> {
    let full = operation.full_method();
    let has_service = span.attribute(&["rpc.service"]).and_then(Value::text) == Some(SERVICE);
    let mut wrong = Vec::new();
    wrong.extend(differs(
        span,
        &["rpc.system.name", "rpc.system"],
        |it| it.text() == Some("grpc"),
        "grpc",
    ));
    wrong.extend(differs(
        span,
        &["rpc.method"],
        |value| {
            let method = value.text().unwrap_or_default().trim_start_matches('/');
            method == full || (has_service && method == operation.method)
        },
        &full,
    ));
    wrong
}

/// Whether it is the span of a call to a PostgreSQL database.
pub fn is_database_call(span: &Span) -> bool {
    let system = span.attribute(&["db.system.name", "db.system"]);
    span.kind == Kind::Client && system.and_then(Value::text) == Some("postgresql")
}

/// A message unless the attribute is right.
fn differs(
    span: &Span,
    keys: &[&str],
    right: impl Fn(&Value) -> bool,
    wanted: &str,
) -> Option<String> {
    match span.attribute(keys) {
        Some(value) if right(value) => None,
        Some(value) => Some(format!("{} is {value}, not {wanted}", keys[0])),
        None => Some(format!("no {}", keys.join(" or "))),
    }
}

/// A route with its parameters as `{}`, in any notation of a framework: `{id}`, `:id`, `<id>`, `<str:id>`.
fn template(route: &str) -> Vec<&str> {
    let parameter = |segment: &str| segment.starts_with(['{', ':', '<', '[']);
    let segments = route.trim_end_matches('/').split('/');
    segments
        .map(|segment| if parameter(segment) { "{}" } else { segment })
        .collect()
}

/// Whether the span is about a probe, which may be traced or not.
pub fn is_probe(span: &Span) -> bool {
    const PROBES: [&str; 6] = [
        "/health",
        "/ready",
        "/live",
        "/metrics",
        "grpc.health",
        "grpc.reflection",
    ];
    let keys = [
        "url.path",
        "url.full",
        "http.target",
        "http.url",
        "http.route",
        "rpc.method",
        "rpc.service",
    ];
    let texts = keys
        .iter()
        .filter_map(|key| span.attributes.get(*key)?.text());
    let mut texts = texts.chain([span.name.as_str()]);
    texts.any(|text| PROBES.iter().any(|probe| text.contains(probe)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use conformance_engine::observe::spans::{Attributes, SpanId, Status, TraceId};

    use super::*;

    fn span(name: &str, kind: Kind, attributes: &[(&str, &str)]) -> Span {
        let value = |text: &str| {
            text.parse()
                .map_or_else(|_| Value::Text(text.to_owned()), Value::Integer)
        };
        let pairs = attributes.iter();
        Span {
            trace: TraceId::random(),
            id: SpanId::random(),
            parent: None,
            name: name.to_owned(),
            kind,
            status: Status::Unset,
            start: 0,
            end: 0,
            attributes: pairs
                .map(|(key, text)| ((*key).to_owned(), value(text)))
                .collect(),
            resource: Arc::new(Attributes::new()),
        }
    }

    fn get() -> Operation {
        Operation::of("GetUser").expect("an operation")
    }

    #[track_caller]
    fn check(wrong: &[String], expected: &[&str]) {
        assert_eq!(wrong.len(), expected.len(), "{wrong:?}");
        for (found, part) in wrong.iter().zip(expected) {
            assert!(found.contains(part), "{found}");
        }
    }

    #[test]
    fn an_http_span_has_its_attributes_by_new_or_old_names() {
        let name = "GET /api/v1/users/{id}";
        let new = [
            ("http.request.method", "GET"),
            ("http.response.status_code", "200"),
            ("http.route", "/api/v1/users/{id}"),
        ];
        check(
            &http_server(&span(name, Kind::Server, &new), &get(), 200),
            &[],
        );
        let old = [
            ("http.method", "GET"),
            ("http.status_code", "200"),
            ("http.route", "/api/v1/users/:id"),
        ];
        check(
            &http_server(&span(name, Kind::Server, &old), &get(), 200),
            &[],
        );
        check(
            &http_server(&span("GET /api/v1/users/7", Kind::Server, &[]), &get(), 200),
            &[
                "the name",
                "no http.request.method",
                "no http.response",
                "no http.route",
            ],
        );
        let wrong = [
            ("http.request.method", "PUT"),
            ("http.response.status_code", "404"),
            ("http.route", "/api/v1/users/7"),
        ];
        check(
            &http_server(&span(name, Kind::Server, &wrong), &get(), 200),
            &["method is \"PUT\"", "status_code is 404", "route is"],
        );
    }

    #[test]
    fn a_method_is_qualified_or_stands_next_to_its_service() {
        let name = "user.v1.UserService/GetUser";
        let new = [("rpc.system.name", "grpc"), ("rpc.method", name)];
        check(&grpc_server(&span(name, Kind::Server, &new), &get()), &[]);
        let old = [
            ("rpc.system", "grpc"),
            ("rpc.method", "GetUser"),
            ("rpc.service", "user.v1.UserService"),
        ];
        check(&grpc_server(&span(name, Kind::Server, &old), &get()), &[]);
        check(
            &grpc_server(&span(name, Kind::Server, &old[..2]), &get()),
            &["rpc.method"],
        );
        check(
            &grpc_server(&span("GetUser", Kind::Server, &[]), &get()),
            &["the name", "no rpc.system.name", "no rpc.method"],
        );
    }

    #[test]
    fn only_the_name_of_a_client_span_may_have_a_prefix() {
        let method = "/user.v1.UserService/GetUser";
        let attributes = [("rpc.system", "grpc"), ("rpc.method", method)];
        for name in [method, "grpc.user.v1.UserService/GetUser"] {
            let client = span(name, Kind::Client, &attributes);
            check(&grpc_client(&client, &get()), &[]);
            check(&grpc_server(&client, &get()), &["the name"]);
        }
        let other = span("GetUser", Kind::Client, &attributes);
        check(&grpc_client(&other, &get()), &["the name"]);
    }

    #[test]
    fn a_database_call_is_a_client_span_of_postgresql() {
        for key in ["db.system", "db.system.name"] {
            let attributes = [(key, "postgresql")];
            assert!(is_database_call(&span("SELECT", Kind::Client, &attributes)));
            assert!(!is_database_call(&span(
                "SELECT",
                Kind::Internal,
                &attributes
            )));
        }
        assert!(!is_database_call(&span(
            "GET",
            Kind::Client,
            &[("db.system", "redis")]
        )));
    }

    #[test]
    fn probes_are_found_by_name_or_attribute() {
        assert!(is_probe(&span("GET /ready", Kind::Server, &[])));
        assert!(is_probe(&span(
            "GET",
            Kind::Server,
            &[("url.path", "/health")]
        )));
        let name = "grpc.health.v1.Health/Check";
        assert!(is_probe(&span(name, Kind::Server, &[])));
        assert!(!is_probe(&span(
            "GET /api/v1/users/{id}",
            Kind::Server,
            &[]
        )));
    }
}
