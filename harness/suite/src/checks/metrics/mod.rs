//! Pages of metrics (MET-1 to MET-5).
//!
//! - [`families`]: names, types, labels and buckets of families
//! - [`counts`]: what was counted between two pages

pub mod counts;
pub mod families;

use conformance_engine::observe::exposition::Exposition;

use super::http_answer::HttpAnswer;

/// Reads the answer to `/metrics`, asked without Accept; the error says why it is no page of text 0.0.4 (MET-1).
pub fn read(answer: &HttpAnswer) -> Result<Exposition, String> {
    if answer.status != 200 {
        return Err(format!("/metrics is answered with {}", answer.shown()));
    }
    let content_type = answer.header("content-type");
    if !is_text(content_type) {
        return Err(format!(
            "Content-Type {content_type:?} is not that of text 0.0.4"
        ));
    }
    Exposition::parse(&answer.body)
}

/// Whether this is the type of text 0.0.4. One without a version means the newest version of the text format, which is
/// 0.0.4 for the readers of version 0.0.4.
fn is_text(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    let version = parts.find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim_matches('"');
        name.eq_ignore_ascii_case("version").then_some(value)
    });
    essence.eq_ignore_ascii_case("text/plain") && version.is_none_or(|it| it == "0.0.4")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::{HeaderMap, HeaderValue};

    use super::*;

    #[track_caller]
    fn check(status: u16, content_type: &'static str, body: &str, right: bool) {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static(content_type));
        let answer = HttpAnswer {
            status,
            headers,
            body: body.to_owned().into(),
            took: Duration::ZERO,
        };
        assert_eq!(read(&answer).is_ok(), right, "{:?}", read(&answer));
    }

    #[test]
    fn a_page_is_text_of_this_version() {
        let text = "text/plain; version=0.0.4; charset=utf-8";
        check(200, text, "a 1\n", true);
        check(
            200,
            "text/plain;charset=utf-8;version=0.0.4;escaping=values",
            "a 1\n",
            true,
        );
        check(200, "text/plain", "a 1\n", true);
        check(200, text, "a\n", false);
        check(503, text, "a 1\n", false);
        check(200, "text/plain; version=1.0.0", "a 1\n", false);
        check(200, "text/html", "a 1\n", false);
        check(
            200,
            "application/openmetrics-text; version=1.0.0",
            "a 1\n# EOF\n",
            false,
        );
    }
}
