//! Any request to a gateway whose user service works (GWY-5, GWY-7).

use bytes::Bytes;
use conformance_engine::failure::StepResult;
use futures::FutureExt as _;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;

use super::{Tried, holds, texts};
use crate::checks::gateway_answer;
use crate::drivers::gateway::{Gateway, whole};

/// A request, well-formed and of moderate size.
#[derive(Clone, Debug)]
struct GeneratedRequest {
    method: &'static str,
    path: String,
    id: Option<String>,
    header: String,
    body: Vec<u8>,
}

/// Everything but letters and digits percent-encoded.
fn escaped(bytes: &[u8]) -> String {
    percent_encoding::percent_encode(bytes, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn segment() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => select(&["api", "v1", "users", "openapi.json", "health", "..", ".", "", "x", "%2F", "%00"][..])
            .prop_map(str::to_owned),
        2 => texts::text().prop_map(|it| escaped(it.as_bytes())),
        1 => proptest::collection::vec(any::<u8>(), 0..12).prop_map(|it| escaped(&it)),
    ]
}

fn path() -> impl Strategy<Value = String> {
    let near = prop_oneof![
        3 => Just("/api/v1/users".to_owned()),
        6 => segment().prop_map(|it| format!("/api/v1/users/{it}")),
        2 => proptest::collection::vec(segment(), 1..6).prop_map(|it| format!("/{}", it.join("/"))),
    ];
    (near, query()).prop_map(|(path, query)| format!("{path}{query}"))
}

fn query() -> impl Strategy<Value = String> {
    let name = select(&["page_size", "page_token", "filter", "order_by", "x"][..]);
    let value = prop_oneof![
        select(
            &[
                "",
                "5",
                "-1",
                "status=ACTIVE",
                "email desc",
                "name=\"x\"",
                "&",
                "%",
                "="
            ][..]
        )
        .prop_map(str::to_owned),
        texts::text(),
    ];
    let pair =
        (name, value).prop_map(|(name, value)| format!("{name}={}", escaped(value.as_bytes())));
    proptest::collection::vec(pair, 0..4).prop_map(|pairs| {
        if pairs.is_empty() {
            String::new()
        } else {
            format!("?{}", pairs.join("&"))
        }
    })
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let value = prop_oneof![
        texts::text().prop_map(|it| serde_json::Value::from(it).to_string()),
        select(
            &[
                "null",
                "1",
                "1e999",
                "true",
                "[]",
                "{}",
                "\"USER_STATUS_ACTIVE\"",
                "{\"a\":\"b\"}",
                "\"\\ud800\"",
                "\"a@b.c\""
            ][..]
        )
        .prop_map(str::to_owned),
    ];
    let name = select(&["email", "name", "password", "metadata", "status", "id", "x"][..]);
    let member = (name, value).prop_map(|(name, value)| format!("{name:?}:{value}"));
    prop_oneof![
        6 => proptest::collection::vec(member, 0..5)
            .prop_map(|it| format!("{{{}}}", it.join(",")).into_bytes()),
        1 => proptest::collection::vec(any::<u8>(), 0..64),
        1 => Just(Vec::new()),
        // Deeper than parsers allow.
        1 => (1_usize..20_000).prop_map(|it| "[".repeat(it).into_bytes()),
    ]
}

fn generated() -> impl Strategy<Value = GeneratedRequest> {
    // Some servers have a list of methods and refuse any other before the request is parsed; TRACE has no body.
    let method = select(
        &[
            "GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "PURGE", "PROPFIND",
        ][..],
    );
    let visible = "[ -~]{0,140}".prop_map(|it| it.trim().to_owned());
    let id = proptest::option::of(visible);
    let generated = (method, path(), id, "[ -~]{0,40}", body());
    generated
        .prop_map(|(method, path, id, header, body)| GeneratedRequest {
            method,
            path,
            id,
            header: header.trim().to_owned(),
            body,
        })
        .prop_filter("a request line of at most 4,000 bytes", |request| {
            request.path.len() < 3_900
        })
}

/// Whether an error may have any shape, as a layer before the router may have refused the request: for its path
/// (GWY-8; an empty segment is none of a route's), or for a method that a parser need not know (GWY-6).
fn has_free_shape(method: &str, path: &str) -> bool {
    let may_be_refused = |segment: &str| {
        let bytes: Vec<u8> = percent_encoding::percent_decode_str(segment).collect();
        let is_refused = |it: char| matches!(it, '/' | '\\' | '%' | ';') || it.is_control();
        segment.is_empty()
            || segment.len() > 1024
            || matches!(&bytes[..], b"." | b"..")
            || std::str::from_utf8(&bytes).map_or(true, |it| it.contains(is_refused))
    };
    let path = path.split('?').next().unwrap_or_default();
    let path = path.strip_prefix('/').unwrap_or(path);
    matches!(method, "PURGE" | "PROPFIND") || path.split('/').any(may_be_refused)
}

/// Any request is answered below 500, with its id, and an error in the shape of the contract.
pub async fn check(gateway: Gateway, seed: u64) -> StepResult {
    holds(
        "any request is answered below 500, with its id and in the shape of the contract",
        seed,
        300,
        generated,
        move |generated| {
            let gateway = gateway.clone();
            async move { attempt(&gateway, generated).await }.boxed()
        },
    )
    .await
}

async fn attempt(gateway: &Gateway, generated: GeneratedRequest) -> Tried {
    let mut request = gateway
        .request(generated.method, &generated.path)
        .header("x-unknown-header", &generated.header)
        .header("content-type", "application/json");
    if let Some(id) = &generated.id {
        request = request.header("x-request-id", id);
    }
    let request = whole(request, Bytes::from(generated.body)).map_err(|it| it.to_string())?;
    let answer = gateway
        .send(request)
        .await
        .map_err(|it| format!("no answer: {it:?}"))?;
    let with_answer = |what: String| format!("{what}; {}", answer.shown());
    if answer.status >= 500 {
        return Err(with_answer("an error of the server".to_owned()));
    }
    let path = generated.path.split('?').next().unwrap_or_default();
    // Paths of probes may be answered by the probe server.
    if ["/health", "/ready", "/live"]
        .iter()
        .any(|it| path.starts_with(it))
    {
        return Ok(());
    }
    if has_free_shape(generated.method, &generated.path) {
        return Ok(());
    }
    gateway_answer::request_id(&answer, generated.id.as_deref().unwrap_or_default())
        .map_err(with_answer)?;
    if answer.status >= 400 && generated.method != "HEAD" {
        gateway_answer::error(&answer).map_err(with_answer)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unusual_paths_and_rare_methods_may_be_refused_in_any_shape() {
        for path in [
            "/a%2fb", "/a%5C", "/%25", "/%00", "/%C2%85", "/a;b", "/..", "/%2E/x", "//x", "/x/",
            "/%FF",
        ] {
            assert!(has_free_shape("GET", path), "{path}");
        }
        assert!(has_free_shape("PURGE", "/x"));
        for path in ["/x", "/a%20b?c=%25", "/%C3%A9", "/a.b/..c"] {
            assert!(!has_free_shape("GET", path), "{path}");
        }
    }
}
