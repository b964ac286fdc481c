//! A request that has ended: what its line in the log and its series must show (LOG-3, MET-3, MET-5).

use std::time::Duration;

use tonic::Code;

/// A request that has ended.
#[derive(Clone, Debug)]
pub struct FinishedRequest {
    /// The request id that it was sent with; `None` where the program makes one.
    pub id: Option<String>,
    /// `GET`, or `/user.v1.UserService/GetUser`.
    pub method: String,
    /// What it has as an HTTP request; `None` for an RPC.
    pub http: Option<HttpPart>,
    /// How it ended.
    pub end: RequestEnd,
    /// From sending to the end, as its client measured it.
    pub took: Duration,
    /// For how long something outside of the program kept it: no record of it may be shorter.
    pub held: Duration,
}

/// Path and route of an HTTP request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpPart {
    /// The path as it was sent, without the query.
    pub path: String,
    /// The label `path` of its series.
    pub route: Route,
}

/// The label `path` of a request's series (MET-3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// The template of a route.
    Template(&'static str),
    /// That of no route.
    Unknown,
    /// The template, or that of no route: the path of a route with a method that it does not have.
    Either(&'static str),
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestEnd {
    /// With this HTTP status.
    Http(u16),
    /// With this code.
    Grpc(Code),
    /// Past its deadline, or cancelled by its client: it may be recorded with any status.
    GivenUp,
}

/// The templates of all routes, by their methods; those of `/api/v1` are the gateway's.
const TEMPLATES: &[(&str, &[&str])] = &[
    ("/api/v1/users", &["GET", "POST"]),
    ("/api/v1/users/{id}", &["GET", "PUT", "DELETE"]),
    ("/health", &["GET"]),
    ("/ready", &["GET"]),
    ("/live", &["GET"]),
    ("/openapi.json", &["GET"]),
    ("/metrics", &["GET"]),
];

/// Codes by the name that a label has.
const CODES: &[(&str, Code)] = &[
    ("OK", Code::Ok),
    ("Cancelled", Code::Cancelled),
    ("Canceled", Code::Cancelled),
    ("Unknown", Code::Unknown),
    ("InvalidArgument", Code::InvalidArgument),
    ("DeadlineExceeded", Code::DeadlineExceeded),
    ("NotFound", Code::NotFound),
    ("AlreadyExists", Code::AlreadyExists),
    ("PermissionDenied", Code::PermissionDenied),
    ("ResourceExhausted", Code::ResourceExhausted),
    ("FailedPrecondition", Code::FailedPrecondition),
    ("Aborted", Code::Aborted),
    ("OutOfRange", Code::OutOfRange),
    ("Unimplemented", Code::Unimplemented),
    ("Internal", Code::Internal),
    ("Unavailable", Code::Unavailable),
    ("DataLoss", Code::DataLoss),
    ("Unauthenticated", Code::Unauthenticated),
];

impl Route {
    /// The route of a request to a gateway, or to the HTTP port of a program without an API (`api` is false).
    pub fn of(method: &str, path: &str, api: bool) -> Self {
        let template = match path.strip_prefix("/api/v1/users/") {
            Some(id) if !id.is_empty() && !id.contains('/') => "/api/v1/users/{id}",
            _ => path,
        };
        let known = TEMPLATES.iter().find(|(known, _)| *known == template);
        match known {
            Some((known, _)) if known.starts_with("/api") && !api => Self::Unknown,
            Some((known, methods)) if methods.contains(&method) => Self::Template(known),
            Some((known, _)) => Self::Either(known),
            None => Self::Unknown,
        }
    }

    /// Whether this value of the label `path` is right.
    pub fn has_label(&self, label: &str) -> bool {
        match self {
            Self::Template(template) => label == *template,
            Self::Unknown => !is_template(label),
            Self::Either(template) => label == *template || !is_template(label),
        }
    }
}

/// Whether a label is the template of a route.
pub fn is_template(label: &str) -> bool {
    TEMPLATES.iter().any(|(template, _)| *template == label)
}

impl RequestEnd {
    /// Whether a record may hold this status: the number of HTTP, or the name of a code.
    pub fn has_status(self, status: &str, http: bool) -> bool {
        match recorded_end(status, http) {
            Ok(recorded) => self == Self::GivenUp || self == recorded,
            Err(_) => false,
        }
    }

    /// Whether a record of it needs an error (LOG-3).
    pub fn has_failed(self) -> bool {
        match self {
            Self::Http(status) => status >= 400,
            Self::Grpc(code) => code != Code::Ok,
            Self::GivenUp => false,
        }
    }

    /// The levels of its line (LOG-3).
    pub fn levels(self) -> &'static [&'static str] {
        match self {
            Self::Http(500) | Self::Grpc(Code::Internal | Code::Unknown | Code::DataLoss) => {
                &["ERROR"]
            }
            Self::Http(501..=599) | Self::Grpc(Code::Unavailable | Code::DeadlineExceeded) => {
                &["WARN", "ERROR"]
            }
            Self::Http(0..=399) | Self::Grpc(Code::Ok) => &["INFO"],
            Self::Http(_) | Self::Grpc(_) | Self::GivenUp => &["INFO", "WARN"],
        }
    }
}

/// The end that a recorded status stands for; the error says what is wrong with it.
pub fn recorded_end(status: &str, http: bool) -> Result<RequestEnd, String> {
    if http {
        let number = status.parse().ok();
        let number = number.filter(|it| (100..=599).contains(it) && status.len() == 3);
        let number = number.ok_or_else(|| format!("{status:?} is no HTTP status"))?;
        return Ok(RequestEnd::Http(number));
    }
    let known = CODES.iter().find(|(name, _)| *name == status);
    let (_, code) = known.ok_or_else(|| format!("{status:?} is no name of a code"))?;
    Ok(RequestEnd::Grpc(*code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_named_by_its_template() {
        let users = "/api/v1/users/{id}";
        assert_eq!(
            Route::of("GET", "/api/v1/users/x", true),
            Route::Template(users)
        );
        assert_eq!(
            Route::of("PATCH", "/api/v1/users/x", true),
            Route::Either(users)
        );
        for (path, api) in [
            ("/api/v1/users/x/y", true),
            ("/api/v1/users/", true),
            ("/api/v1/users/x", false),
            ("/", true),
        ] {
            assert_eq!(Route::of("GET", path, api), Route::Unknown, "{path}");
        }
        assert!(Route::Template(users).has_label(users));
        assert!(!Route::Template(users).has_label("/api/v1/users/x"));
        assert!(!Route::Unknown.has_label("/live"));
        assert!(Route::Unknown.has_label("unknown") && Route::Either("/live").has_label("/live"));
    }

    #[test]
    fn a_status_is_a_number_or_the_name_of_a_code() {
        assert!(RequestEnd::Http(404).has_status("404", true));
        for wrong in [
            "404 Not Found",
            "Not Found",
            "NOT_FOUND",
            "200",
            "4",
            "0404",
            "",
        ] {
            assert!(!RequestEnd::Http(404).has_status(wrong, true), "{wrong}");
        }
        assert!(RequestEnd::Grpc(Code::Cancelled).has_status("Canceled", false));
        assert!(RequestEnd::GivenUp.has_status("OK", false));
        for wrong in ["NOT_FOUND", "5", "Ok", "", "OK"] {
            assert!(
                !RequestEnd::Grpc(Code::NotFound).has_status(wrong, false),
                "{wrong}"
            );
        }
        assert!(!RequestEnd::GivenUp.has_status("gone", false));
    }

    #[test]
    fn a_level_follows_from_the_status() {
        for (end, levels) in [
            (RequestEnd::Http(204), &["INFO"][..]),
            (RequestEnd::Http(499), &["INFO", "WARN"]),
            (RequestEnd::Http(500), &["ERROR"]),
            (RequestEnd::Http(503), &["WARN", "ERROR"]),
            (RequestEnd::Grpc(Code::Ok), &["INFO"]),
            (RequestEnd::Grpc(Code::NotFound), &["INFO", "WARN"]),
            (RequestEnd::Grpc(Code::Unknown), &["ERROR"]),
            (RequestEnd::Grpc(Code::Unavailable), &["WARN", "ERROR"]),
        ] {
            assert_eq!(end.levels(), levels, "{end:?}");
        }
    }
}
