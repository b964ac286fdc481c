//! Places of requests where a client can put text (LOG-5).

use conformance_engine::failure::{Failure, StepResult};
use tonic::metadata::AsciiMetadataValue;
use tonic::transport::Endpoint;
use user_proto::v1::user_service_client::UserServiceClient;
use user_proto::v1::{CreateUserRequest, GetUserRequest, ListUsersRequest, UpdateUserRequest};

use super::raw;
use super::users::Users;

/// The places that every component has; `text_places` of a component adds its own.
pub const COMMON: [&str; 18] = [
    "an email",
    "a name",
    "a password",
    "a metadata key",
    "a metadata value",
    "an id",
    "a filter",
    "an order_by",
    "a page_token",
    "the request id",
    "the user agent",
    "an unknown header",
    "a traceparent",
    "the path of a probe",
    "the query of a probe",
    "the HTTP method",
    "bytes that are no request",
    NO_UTF8,
];

/// The place whose texts are bytes of their own.
pub const NO_UTF8: &str = "bytes that are no UTF-8";

/// The begin of a character without its end, a lone surrogate, an overlong NUL, and bytes of no character.
const BYTES: [&[u8]; 4] = [b"a\xc3", b"\xed\xa0\x80", b"\xc0\x80b", b"\xff\xfe"];

/// The text for a path: everything but letters and digits is percent-encoded.
fn escaped(text: &str) -> String {
    let escape = |byte: u8| {
        if byte.is_ascii_alphanumeric() {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    text.bytes().map(escape).collect()
}

/// The text for a header: everything but visible ASCII and spaces is percent-encoded.
fn header(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b' '..=b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes()
        .map(escape)
        .collect::<String>()
        .trim()
        .to_owned()
}

/// The instance that gets the text.
pub struct Target {
    /// Its `PORT`.
    pub http: u16,
    /// Its `GRPC_PORT` and the URL, if it serves gRPC.
    pub grpc: Option<(u16, String)>,
}

/// Sends what is no UTF-8 wherever bytes may stand; the answers are ignored.
pub async fn send_bytes(target: &Target) -> StepResult {
    let route = match target.grpc {
        Some(_) => "/live",
        None => "/api/v1/users/x",
    };
    for bytes in BYTES {
        let escaped = percent_encoding::percent_encode(bytes, percent_encoding::NON_ALPHANUMERIC);
        let end = b"\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        let get = |target: &[u8]| [b"GET ", target, b" HTTP/1.1", end].concat();
        let with = |name: &str| {
            let head = format!("GET {route} HTTP/1.1\r\n{name}: ");
            [head.as_bytes(), bytes, end].concat()
        };
        for request in [
            get(format!("{route}/{escaped}").as_bytes()),
            get(format!("{route}?q={escaped}").as_bytes()),
            get(&[route.as_bytes(), b"/", bytes].concat()),
            get(&[route.as_bytes(), b"?q=", bytes].concat()),
            with("User-Agent"),
            with("X-Request-Id"),
            with("traceparent"),
            with("X-Unknown-Header"),
        ] {
            raw::send(target.http, &request).await?;
        }
        if let Some((_, url)) = &target.grpc {
            bytes_over_grpc(url, bytes).await?;
        }
    }
    Ok(())
}

/// As the values of metadata, which HTTP/2 carries as they are.
async fn bytes_over_grpc(url: &str, bytes: &[u8]) -> StepResult {
    let endpoint = Endpoint::from_shared(url.to_owned()).map_err(Failure::broken)?;
    let mut client = UserServiceClient::new(endpoint.connect_lazy());
    for name in [
        "x-request-id",
        "traceparent",
        "x-user-id",
        "x-unknown-header",
    ] {
        let mut request = tonic::Request::new(GetUserRequest {
            id: "unknown".to_owned(),
        });
        let value = AsciiMetadataValue::try_from(bytes).map_err(Failure::broken)?;
        request.metadata_mut().insert(name, value);
        // Any status will do.
        let _ = client.get_user(request).await;
    }
    Ok(())
}

/// Sends the text at a place; the answer is ignored.
pub async fn send(client: &Users, target: &Target, place: &str, text: &str) -> StepResult {
    let own = text.to_owned();
    let email = format!(
        "{}@log.example",
        &uuid::Uuid::new_v4().simple().to_string()[..12]
    );
    let mut create = CreateUserRequest {
        email,
        name: "Log".to_owned(),
        ..Default::default()
    };
    let mut list = ListUsersRequest::default();
    match place {
        "an email" => create.email = own,
        "a name" => create.name = own,
        "a password" => create.password = own,
        "a metadata key" => drop(create.metadata.insert(own, "x".to_owned())),
        "a metadata value" => drop(create.metadata.insert("x".to_owned(), own)),
        "a filter" => list.filter = own,
        "an order_by" => list.order_by = own,
        "a page_token" => list.page_token = own,
        "an id" => {
            client.get(text).await;
            client.delete(text).await;
            client
                .update(UpdateUserRequest {
                    id: own,
                    ..Default::default()
                })
                .await;
            return Ok(());
        }
        "the request id" => {
            client
                .clone()
                .with_request_id(&header(text))
                .get("unknown")
                .await;
            return Ok(());
        }
        "the user agent" | "an unknown header" | "a traceparent" | "the name of a method" => {
            return match &target.grpc {
                Some((_, url)) => over_grpc(url, place, text).await,
                None => over_http(target, place, text).await,
            };
        }
        _ => return over_http(target, place, text).await,
    }
    if matches!(place, "a filter" | "an order_by" | "a page_token") {
        client.list(list).await;
    } else {
        client.create(create).await;
    }
    Ok(())
}

async fn over_grpc(url: &str, place: &str, text: &str) -> StepResult {
    let mut endpoint = Endpoint::from_shared(url.to_owned()).map_err(Failure::broken)?;
    if place == "the user agent" {
        endpoint = endpoint.user_agent(header(text)).map_err(Failure::broken)?;
    }
    let mut grpc = tonic::client::Grpc::new(endpoint.connect_lazy());
    grpc.ready()
        .await
        .map_err(|error| Failure::mismatch("a connection", error))?;
    let mut request = tonic::Request::new(user_proto::v1::GetUserRequest {
        id: "unknown".to_owned(),
    });
    let name = if place == "a traceparent" {
        "traceparent"
    } else {
        "x-unknown-header"
    };
    if let Ok(value) = header(text).parse() {
        request.metadata_mut().insert(name, value);
    }
    let method = if place == "the name of a method" {
        escaped(text)
    } else {
        "GetUser".to_owned()
    };
    let path = format!("/user.v1.UserService/{method}")
        .parse()
        .map_err(Failure::broken)?;
    let codec = tonic_prost::ProstCodec::<_, user_proto::v1::GetUserResponse>::default();
    // Any status will do.
    let _ = grpc.unary(request, path, codec).await;
    Ok(())
}

/// A request whose body claims to be JSON.
fn with_body(method: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "{method} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// A request whose body holds the text where a parser quotes what it found.
fn unusable_body(place: &str, text: &str) -> Option<Vec<u8>> {
    let route = "/api/v1/users";
    Some(match place {
        "a body that is no JSON" => with_body(&format!("POST {route}"), text.as_bytes()),
        "a member of the wrong type" => {
            let mut body = serde_json::json!({"email": [text], "status": text, "metadata": text});
            body[text] = text.into();
            with_body(&format!("PUT {route}/x"), body.to_string().as_bytes())
        }
        _ => return None,
    })
}

async fn over_http(target: &Target, place: &str, text: &str) -> StepResult {
    if let Some(request) = unusable_body(place, text) {
        return raw::send(target.http, &request).await;
    }
    let route = "/api/v1/users";
    let request = match place {
        "the path of a probe" => format!("GET /live/{} HTTP/1.1", escaped(text)),
        "the query of a probe" => format!("GET /live?q={} HTTP/1.1", escaped(text)),
        "the path of a route" => format!("PUT {route}/x/{} HTTP/1.1", escaped(text)),
        "the query of a route" => format!("GET {route}?q={} HTTP/1.1", escaped(text)),
        "the HTTP method" => format!("{} /live HTTP/1.1", header(text).replace(' ', "%20")),
        "the user agent" => format!("GET {route}/x HTTP/1.1\r\nUser-Agent: {}", header(text)),
        "a traceparent" => format!("GET {route}/x HTTP/1.1\r\ntraceparent: {}", header(text)),
        "an unknown header" => {
            format!(
                "GET {route}/x HTTP/1.1\r\nX-Unknown-Header: {}",
                header(text)
            )
        }
        _ => {
            if let Some((port, _)) = target.grpc {
                raw::send(port, text.as_bytes()).await?;
            }
            return raw::send(target.http, text.as_bytes()).await;
        }
    };
    raw::send(
        target.http,
        format!("{request}\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes(),
    )
    .await
}
