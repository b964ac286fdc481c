//! GWY: routes, bodies, paths, errors.

use axum::body::{Body, Bytes};
use futures::stream;
use serde_json::json;
use tonic::Status;

use crate::fake::Fake;
use crate::gateway::{Gateway, request};

const ONE: &str = "/api/v1/users/ada";
const ALL: &str = "/api/v1/users";

fn gateway() -> (std::sync::Arc<Fake>, Gateway) {
    let fake = Fake::new(|_| Some(Ok(())));
    let gateway = Gateway::over(&fake, &[]);
    (fake, gateway)
}

#[tokio::test]
async fn each_route_makes_its_call() {
    let (fake, gateway) = gateway();
    let ada = json!({
        "id": "ada", "email": "ada@example.com", "name": "Ada", "status": "USER_STATUS_ACTIVE",
        "created_at": "2023-11-14T22:13:20.000000Z", "updated_at": "2023-11-14T22:13:20.000000Z",
        "metadata": { "k": "v" },
    });
    let one = json!({ "user": ada });
    let page = json!({ "users": [ada], "next_page_token": "next", "total_count": 1 });
    for (method, path, body, status, expected) in [
        ("GET", ALL, "", 200, page),
        ("POST", ALL, "{}", 201, one.clone()),
        ("GET", ONE, "", 200, one.clone()),
        ("PUT", ONE, "{}", 200, one),
        ("DELETE", ONE, "", 204, json!(null)),
    ] {
        let answer = gateway.send(request(method, path, body)).await;
        answer.check(status);
        assert_eq!(answer.body, expected);
    }
    assert_eq!(fake.count(), 5);
}

#[tokio::test]
async fn query_parameters_are_passed_on() {
    let (fake, gateway) = gateway();
    let query = "?page_size=-5&page_token=a%26b&filter=name%3DAda%20L&order_by=name+desc";
    gateway
        .ask("GET", &format!("{ALL}{query}"))
        .await
        .check(200);
    let call = fake.calls.lock().expect("calls")[0].clone();
    let message =
        r#"page_size: -5, page_token: "a&b", filter: "name=Ada L", order_by: "name desc""#;
    assert!(call.contains(message), "{call}");
    gateway
        .ask("GET", &format!("{ALL}?page_size=&filter="))
        .await
        .check(200);
    let error = gateway.ask("GET", &format!("{ALL}?page_size=ten")).await;
    error.check_error(400, "page_size is invalid");
}

#[tokio::test]
async fn a_path_id_is_decoded_once_and_passed_on() {
    let (fake, gateway) = gateway();
    for (segment, id) in [
        ("a%20b", "a b"),
        ("%2525", "%25"),
        ("..%2fhealth", "../health"),
    ] {
        gateway
            .ask("GET", &format!("{ALL}/{segment}"))
            .await
            .check(200);
        let call = fake.calls.lock().expect("calls").last().cloned();
        assert!(
            call.is_some_and(|call| call.contains(&format!("{id:?}"))),
            "{segment}"
        );
    }
    gateway.ask("GET", &format!("{ALL}/%ff")).await.check(400);
    gateway.ask("GET", &format!("{ALL}/")).await.check(404);
    gateway.ask("GET", &format!("{ALL}/%zz")).await.check(200);
    gateway
        .ask("GET", &format!("{ALL}/{}", "a".repeat(4000)))
        .await
        .check(200);
}

#[tokio::test]
async fn an_unknown_route_or_method_is_an_error_of_the_same_shape() {
    let (fake, gateway) = gateway();
    for path in ["/", "/api/v1", "/api/v1/user", "/api/v1/users/a/b", "/nope"] {
        gateway.ask("GET", path).await.check(404);
    }
    for (method, path, allow) in [
        ("PATCH", ALL, "GET,HEAD,POST"),
        ("POST", ONE, "GET,HEAD,PUT,DELETE"),
        ("OPTIONS", ONE, "GET,HEAD,PUT,DELETE"),
        ("BREW", ONE, "GET,HEAD,PUT,DELETE"),
        ("POST", "/ready", "GET,HEAD"),
        ("DELETE", "/openapi.json", "GET,HEAD"),
    ] {
        let answer = gateway.ask(method, path).await;
        answer.check(405);
        assert_eq!(answer.headers["allow"], allow, "{method} {path}");
    }
    assert_eq!(fake.count(), 0);
}

#[tokio::test]
async fn a_body_may_have_a_mebibyte_and_no_more() {
    const MEBIBYTE: usize = 1024 * 1024;
    let (fake, gateway) = gateway();
    let body = |length: usize| format!("{{{}}}", " ".repeat(length - 2));
    let chunked = |length| {
        let pieces: Vec<_> = body(length)
            .into_bytes()
            .chunks(1000)
            .map(|piece| Ok::<_, std::io::Error>(Bytes::copy_from_slice(piece)))
            .collect();
        Body::from_stream(stream::iter(pieces))
    };
    gateway
        .send(request("POST", ALL, body(MEBIBYTE)))
        .await
        .check(201);
    gateway
        .send(request("POST", ALL, chunked(MEBIBYTE)))
        .await
        .check(201);
    assert_eq!(fake.count(), 2);
    gateway
        .send(request("POST", ALL, body(MEBIBYTE + 1)))
        .await
        .check(413);
    gateway
        .send(request("PUT", ONE, chunked(MEBIBYTE + 1)))
        .await
        .check(413);
    gateway
        .send(request("PUT", ONE, body(20 * MEBIBYTE)))
        .await
        .check(413);
    assert_eq!(fake.count(), 2);
}

#[tokio::test]
async fn a_malformed_body_is_refused() {
    let (fake, gateway) = gateway();
    for body in ["", "nope", "[]", r#"{"name":1}"#, r#"{"status":"ACTIVE"}"#] {
        gateway.send(request("PUT", ONE, body)).await.check(400);
    }
    let answer = gateway
        .send(request("PUT", ONE, r#"{"status":"ACTIVE"}"#))
        .await;
    answer.check_error(400, "status is invalid");
    assert_eq!(fake.count(), 0);
}

#[tokio::test]
async fn a_valid_request_id_is_on_every_response_and_call() {
    let (fake, gateway) = gateway();
    for (sent, kept) in [("req-1", true), ("a b", false), (&"a".repeat(129), false)] {
        for path in [ONE, "/nope", "/live", "/openapi.json"] {
            let mut request = request("GET", path, "");
            request
                .headers_mut()
                .insert("x-request-id", sent.parse().expect("a value"));
            let answer = gateway.send(request).await;
            assert_eq!(answer.headers["x-request-id"] == sent, kept, "{path}");
        }
        let call = fake.calls.lock().expect("calls").last().cloned();
        assert_eq!(call.expect("a call").contains(sent), kept);
    }
}

#[tokio::test]
async fn an_invalid_user_is_an_internal_error() {
    let fake = Fake::with_user(|_| Some(Ok(())), |user| user.id.clear());
    let gateway = Gateway::over(&fake, &[]);
    for path in [ONE, ALL] {
        gateway
            .ask("GET", path)
            .await
            .check_error(500, "internal server error");
    }
}

#[tokio::test]
async fn a_refusal_of_the_user_service_is_passed_on() {
    let fake = Fake::new(|_| Some(Err(Status::already_exists("email is already \"taken\"\n"))));
    let gateway = Gateway::over(&fake, &[]);
    let answer = gateway.send(request("POST", ALL, "{}")).await;
    answer.check_error(409, "email is already \"taken\"\n");
}
