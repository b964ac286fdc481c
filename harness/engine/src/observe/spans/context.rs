//! The context of a trace as it goes from caller to callee: the header `traceparent` of W3C Trace Context, version 00.

use std::fmt;
use std::str::FromStr;

/// Bit of the flags which says that the caller records the trace.
const SAMPLED: u8 = 1;

/// The id of a trace; never zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceId([u8; 16]);

/// The id of a span within its trace; never zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpanId([u8; 8]);

impl TraceId {
    /// A random id.
    pub fn random() -> Self {
        Self::from_bytes(&rand::random::<[u8; 16]>()).unwrap_or(Self([1; 16]))
    }

    /// `None` unless these are 16 bytes, not all zero.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes = <[u8; 16]>::try_from(bytes).ok()?;
        (bytes != [0; 16]).then_some(Self(bytes))
    }
}

impl SpanId {
    /// A random id.
    pub fn random() -> Self {
        Self::from_bytes(&rand::random::<[u8; 8]>()).unwrap_or(Self([1; 8]))
    }

    /// `None` unless these are 8 bytes, not all zero.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes = <[u8; 8]>::try_from(bytes).ok()?;
        (bytes != [0; 8]).then_some(Self(bytes))
    }
}

/// 32 hexadecimal digits.
impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// 16 hexadecimal digits.
impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What a caller passes on: its trace, its span, and whether it records them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace that the callee continues.
    pub trace: TraceId,
    /// The caller's span, which is the parent of the callee's.
    pub span: SpanId,
    /// The caller's decision, which the callee follows.
    pub sampled: bool,
}

impl TraceContext {
    /// A new trace with the caller's span.
    pub fn random(sampled: bool) -> Self {
        Self {
            trace: TraceId::random(),
            span: SpanId::random(),
            sampled,
        }
    }
}

/// The value of `traceparent`.
impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = u8::from(self.sampled) * SAMPLED;
        write!(f, "00-{}-{}-{flags:02x}", self.trace, self.span)
    }
}

impl FromStr for TraceContext {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || format!("no traceparent of version 00: {text:?}");
        let parts: Vec<&str> = text.split('-').collect();
        let ["00", trace, span, flags] = parts.as_slice() else {
            return Err(invalid());
        };
        let trace = lower_hex(trace).and_then(|bytes| TraceId::from_bytes(&bytes));
        let span = lower_hex(span).and_then(|bytes| SpanId::from_bytes(&bytes));
        let flags = lower_hex(flags).filter(|bytes| bytes.len() == 1);
        match (trace, span, flags) {
            (Some(trace), Some(span), Some(flags)) => Ok(Self {
                trace,
                span,
                sampled: flags[0] & SAMPLED != 0,
            }),
            _ => Err(invalid()),
        }
    }
}

/// The bytes that pairs of lower case hexadecimal digits stand for.
fn lower_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.bytes().map(|byte| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    });
    let digits = digits.collect::<Option<Vec<u8>>>()?;
    let pairs = digits.chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => Some(high * 16 + low),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_traceparent_is_read_as_it_is_written() {
        let context: TraceContext = VALID.parse().expect("a traceparent");
        assert!(context.sampled);
        assert_eq!(context.to_string(), VALID);
        for sampled in [true, false] {
            let context = TraceContext::random(sampled);
            assert_eq!(context.to_string().parse(), Ok(context));
        }
    }

    #[test]
    fn of_the_flags_only_the_lowest_bit_means_sampled() {
        let context = |flags: &str| format!("{}{flags}", &VALID[..53]).parse::<TraceContext>();
        assert!(context("03").expect("a traceparent").sampled);
        assert!(!context("02").expect("a traceparent").sampled);
    }

    #[test]
    fn what_is_no_traceparent_is_refused() {
        for text in [
            "",
            "00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
        ] {
            assert!(text.parse::<TraceContext>().is_err(), "{text:?}");
        }
    }
}
