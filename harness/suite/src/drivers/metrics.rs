//! `/metrics` over HTTP, asked without Accept: each request on its own connection, with limits of time and size.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::innermost;
use crate::checks::http_answer::HttpAnswer;

/// Time limit of an answer, far above every limit of the contract; a page without an end is given up then.
const GIVE_UP: Duration = Duration::from_secs(30);

/// Longer pages are refused: the number of series does not grow with traffic (MET-3).
const LONGEST_PAGE: usize = 16 << 20;

static CLIENT: LazyLock<Client<HttpConnector, Empty<Bytes>>> = LazyLock::new(|| {
    Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(0)
        .build_http()
});

/// Reads `/metrics` of a port of this machine; the error says why there is no page.
pub async fn read(port: u16) -> Result<HttpAnswer, String> {
    let begun = Instant::now();
    let request = Request::get(format!("http://127.0.0.1:{port}/metrics"));
    let request = request.body(Empty::new()).map_err(|it| it.to_string())?;
    let exchange = async {
        let answer = CLIENT.request(request).await.map_err(|it| innermost(&it))?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, LONGEST_PAGE).collect().await;
        let body = body.map_err(|it| format!("the page ends early: {}", innermost(it.as_ref())))?;
        Ok(HttpAnswer {
            status: head.status.as_u16(),
            headers: head.headers,
            body: body.to_bytes(),
            took: begun.elapsed(),
        })
    };
    let answer = tokio::time::timeout(GIVE_UP, exchange).await;
    let given_up = |_| Err(format!("no whole page within {} s", GIVE_UP.as_secs()));
    answer
        .unwrap_or_else(given_up)
        .map_err(|error| format!("/metrics: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    /// Serves one connection with this head and body, and returns what came.
    async fn serve(head: &str, body: Vec<u8>) -> Result<HttpAnswer, String> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let head = head.to_owned();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).await.expect("a request");
            let _ = stream.write_all(head.as_bytes()).await;
            let _ = stream.write_all(&body).await;
            String::from_utf8_lossy(&request[..length]).to_lowercase()
        });
        let read = read(port).await;
        let request = server.await.expect("a request");
        assert!(!request.contains("accept"), "{request}");
        read
    }

    #[tokio::test]
    async fn a_page_is_read_without_accept() {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n";
        let answer = serve(head, b"a 1\n".to_vec()).await.expect("a page");
        assert_eq!((answer.status, &answer.body[..]), (200, &b"a 1\n"[..]));
    }

    #[tokio::test]
    async fn a_page_of_50_megabytes_is_refused() {
        let head = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
        let error = serve(head, vec![b'\n'; 50 << 20]).await;
        let error = error.expect_err("too long");
        assert!(error.contains("length limit exceeded"), "{error}");
    }
}
