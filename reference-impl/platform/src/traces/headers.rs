//! The headers that carry a trace from program to program (TRC-3): W3C Trace Context and Baggage.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_sdk::propagation::TraceContextPropagator;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
const BAGGAGE: HeaderName = HeaderName::from_static("baggage");

/// The longest baggage that is passed on: W3C requires no more, and gRPC servers limit what they accept.
const BAGGAGE_BYTES: usize = 8192;

/// Baggage as it came. It is passed on and never read, so it is not parsed: the SDK's propagator would change values
/// that hold `=` or `%`.
struct Baggage(HeaderValue);

/// The caller's span and baggage, where the headers hold valid ones.
pub(super) fn extract(headers: &HeaderMap) -> Context {
    let mut carried = HeaderMap::new();
    for name in [TRACEPARENT, TRACESTATE, BAGGAGE] {
        if let Some(value) = joined(headers, &name) {
            carried.insert(name, value);
        }
    }
    let mut context = Context::new();
    // The SDK's propagator accepts ids that are too short.
    if carried
        .get(TRACEPARENT)
        .is_some_and(|value| is_valid(value.as_bytes()))
    {
        context = TraceContextPropagator::new()
            .extract_with_context(&context, &HeaderExtractor(&carried));
    }
    match carried
        .remove(BAGGAGE)
        .filter(|value| value.len() <= BAGGAGE_BYTES)
    {
        Some(baggage) => context.with_value(Baggage(baggage)),
        None => context,
    }
}

/// Adds the span and the baggage of a context to the headers of a request.
pub fn inject(context: &Context, headers: &mut HeaderMap) {
    TraceContextPropagator::new().inject_context(context, &mut HeaderInjector(headers));
    if let Some(Baggage(value)) = context.get() {
        headers.insert(BAGGAGE, value.clone());
    }
}

/// A header as one value: those of several lines, separated by commas. None if it holds anything but visible ASCII and
/// blanks, which gRPC would not carry.
fn joined(headers: &HeaderMap, name: &HeaderName) -> Option<HeaderValue> {
    let values: Vec<&[u8]> = headers
        .get_all(name)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    let value = values.join(&b","[..]);
    let is_plain = !value.is_empty() && value.iter().all(|byte| matches!(byte, b' '..=b'~'));
    HeaderValue::from_bytes(&value).ok().filter(|_| is_plain)
}

/// Whether a `traceparent` is well-formed: `VERSION-TRACE-PARENT-FLAGS` in lower-case hexadecimal, and in a later
/// version perhaps more after that. (The propagator refuses version ff and ids of zeros.)
fn is_valid(traceparent: &[u8]) -> bool {
    let Some((known, rest)) = traceparent.split_at_checked("00-".len() + 32 + 1 + 16 + "-01".len())
    else {
        return false;
    };
    let has_form = known.iter().enumerate().all(|(place, byte)| match place {
        2 | 35 | 52 => *byte == b'-',
        _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
    });
    let is_later_version = !known.starts_with(b"00");
    has_form && (rest.is_empty() || (is_later_version && rest.starts_with(b"-")))
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::TraceContextExt as _;

    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    /// What is passed on of these headers.
    fn passed_on(headers: &[(&'static str, &str)]) -> HeaderMap {
        let mut received = HeaderMap::new();
        for (name, value) in headers {
            received.append(*name, value.parse().expect("a header's value"));
        }
        let mut sent = HeaderMap::new();
        inject(&extract(&received), &mut sent);
        sent
    }

    #[track_caller]
    fn check_new_trace(traceparent: &str) {
        let headers = HeaderMap::from_iter([(TRACEPARENT, traceparent.parse().expect("a value"))]);
        assert!(!extract(&headers).has_active_span(), "{traceparent:?}");
    }

    #[test]
    fn the_caller_s_span_is_the_parent() {
        let sent = passed_on(&[
            ("traceparent", VALID),
            ("tracestate", "a=1"),
            ("tracestate", "b=2"),
        ]);
        assert_eq!(sent[TRACEPARENT], VALID);
        assert_eq!(sent[TRACESTATE], "a=1,b=2");
    }

    #[test]
    fn a_later_version_may_have_more_fields() {
        let later = VALID.replacen("00", "cc", 1);
        for traceparent in [later.clone(), format!("{later}-what-else")] {
            let sent = passed_on(&[("traceparent", &traceparent)]);
            assert_eq!(sent[TRACEPARENT], VALID, "{traceparent:?}");
        }
    }

    #[test]
    fn an_invalid_traceparent_is_ignored() {
        let (zeros, parent) = ("0".repeat(32), "00f067aa0ba902b7");
        for traceparent in [
            String::new(),
            VALID[..VALID.len() - 1].to_owned(),
            format!("{VALID}0"),
            format!("{VALID}-"),
            format!("{VALID}-00"),
            VALID.to_uppercase(),
            VALID.replace('f', "g"),
            VALID.replacen("00", "ff", 1),
            format!("00-{}-{parent}-01", &TRACE[1..]),
            format!("00-+{}-{parent}-01", &TRACE[1..]),
            format!("00-{zeros}-{parent}-01"),
            format!("00-{TRACE}-{}-01", &zeros[..16]),
            format!("{VALID},{VALID}"),
        ] {
            check_new_trace(&traceparent);
        }
    }

    #[test]
    fn baggage_is_passed_on_as_it_came() {
        let baggage = "user=a%25b;note=1,mark=x=y";
        assert_eq!(passed_on(&[("baggage", baggage)])[BAGGAGE], baggage);
        let sent = passed_on(&[("baggage", "a=1"), ("baggage", "b=2")]);
        assert_eq!(sent[BAGGAGE], "a=1,b=2");
    }

    #[test]
    fn baggage_that_grpc_would_not_carry_is_dropped() {
        for baggage in [
            "a=é".to_owned(),
            "a=1\tb".to_owned(),
            "a".repeat(BAGGAGE_BYTES + 1),
        ] {
            assert!(!passed_on(&[("baggage", &baggage)]).contains_key(BAGGAGE));
        }
    }
}
