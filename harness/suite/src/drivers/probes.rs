//! The probes over HTTP: each request on its own connection and with a time limit.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use conformance_engine::observe::Journal;
use conformance_engine::observe::journal::EventKind;

/// Time limit of a probe, far above every limit of the contract.
const GIVE_UP: Duration = Duration::from_secs(30);

static CLIENT: LazyLock<reqwest::Client> = LazyLock::new(|| {
    reqwest::Client::builder()
        .no_proxy()
        .pool_max_idle_per_host(0)
        .timeout(GIVE_UP)
        .build()
        .expect("a client without TLS has nothing that can fail")
});

/// The answer to a probe.
#[derive(Clone, Debug)]
pub struct ProbeAnswer {
    /// The HTTP status.
    pub status: u16,
    /// `Content-Type`; empty without one.
    pub content_type: String,
    /// The body.
    pub body: String,
    /// From sending to the last byte.
    pub took: Duration,
}

impl ProbeAnswer {
    /// The body as JSON; the error says what is wrong with it or with its `Content-Type` (HLT-2).
    pub fn json(&self) -> Result<serde_json::Value, String> {
        let essence = self.content_type.split(';').next().unwrap_or_default();
        if !essence.trim().eq_ignore_ascii_case("application/json") {
            let Self {
                content_type, body, ..
            } = self;
            return Err(format!(
                "Content-Type {content_type:?} instead of application/json: {body:?}"
            ));
        }
        serde_json::from_str(&self.body)
            .map_err(|error| format!("no JSON ({error}): {:?}", self.body))
    }
}

/// Sends one request; the error says how the connection failed.
pub async fn get(url: &str) -> Result<ProbeAnswer, String> {
    let begun = Instant::now();
    let request = async {
        let response = CLIENT.get(url).send().await?;
        let status = response.status().as_u16();
        let content_type = response.headers().get(reqwest::header::CONTENT_TYPE);
        let content_type =
            content_type.map(|it| String::from_utf8_lossy(it.as_bytes()).into_owned());
        let body = response.bytes().await?;
        Ok::<_, reqwest::Error>((status, content_type.unwrap_or_default(), body))
    };
    let (status, content_type, body) = request.await.map_err(|error| cause(&error))?;
    Ok(ProbeAnswer {
        status,
        content_type,
        body: String::from_utf8_lossy(&body).into_owned(),
        took: begun.elapsed(),
    })
}

/// The same, recorded in the journal.
pub async fn get_logged(url: &str, journal: &Journal) -> Result<ProbeAnswer, String> {
    let begun = Instant::now();
    let answer = get(url).await;
    journal.record(EventKind::Exchange {
        request: format!("GET {url}"),
        answer: match &answer {
            Ok(answer) => answer.status.to_string(),
            Err(error) => format!("failed: {error}"),
        },
        took: begun.elapsed(),
    });
    answer
}

/// Whether `/ready` answers 200, or what it answers instead.
pub async fn is_ready(url: &str) -> Result<(), String> {
    match get(url).await? {
        ProbeAnswer { status: 200, .. } => Ok(()),
        other => Err(format!("{} {}", other.status, other.body)),
    }
}

/// The cause of an error.
fn cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        format!("no answer within {} s", GIVE_UP.as_secs())
    } else {
        super::innermost(error)
    }
}
