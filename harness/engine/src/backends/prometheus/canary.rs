//! A page of metrics of the suite's own: if a server does not scrape it, no program is at fault for not being scraped.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::server::{Api, broken};
use super::targets::{TARGET_LABEL, Targets};
use crate::backends::provider::BackendError;
use crate::backends::server::pause;

/// How long a server may take until it has scraped a new target: it looks for targets every few seconds.
const SCRAPE_LIMIT: Duration = Duration::from_mins(1);

/// Pause between two queries.
const QUERY_INTERVAL: Duration = Duration::from_millis(100);

/// The answer to every request.
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: 9\r\nConnection: close\r\n\r\ncanary 1\n";

/// Waits until the server has scraped a page of the suite's own.
pub(super) async fn is_scraped(api: &Api, targets: &Targets) -> Result<(), BackendError> {
    let advice = "it must scrape the targets in its folder every second, and reach this machine";
    let failed = |error: std::io::Error| broken(error.to_string(), advice);
    // On all interfaces: a container comes from another address.
    let listener = TcpListener::bind("0.0.0.0:0").await.map_err(failed)?;
    let port = listener.local_addr().map_err(failed)?.port();
    let target = targets.add(SocketAddr::from(([127, 0, 0, 1], port)));
    let target = target.map_err(failed)?;
    let query = format!("up{{{TARGET_LABEL}=\"{}\"}} == 1", target.name());
    let scraped = async {
        let begun = Instant::now();
        while begun.elapsed() < SCRAPE_LIMIT {
            if api.query(&query).await.is_ok_and(|it| !it.is_empty()) {
                return Ok(());
            }
            pause(QUERY_INTERVAL).await;
        }
        let error = api.last_error((TARGET_LABEL, target.name())).await;
        let cause = format!("it has not scraped a page of the suite's own: {error:?}");
        Err(broken(cause, advice))
    };
    tokio::select! {
        scraped = scraped => scraped,
        () = serve(&listener) => Err(broken("the suite's own page is gone", advice)),
    }
}

/// Answers every connection with the page.
async fn serve(listener: &TcpListener) {
    while let Ok((mut stream, _)) = listener.accept().await {
        tokio::spawn(async move {
            let mut request = [0; 4096];
            // A server that sends no request gets no answer.
            if stream
                .read(&mut request)
                .await
                .is_ok_and(|length| length > 0)
            {
                let _ = stream.write_all(ANSWER).await;
            }
        });
    }
}
