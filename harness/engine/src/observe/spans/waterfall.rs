//! A trace as text, one line a span: its program, name, start, length and status.

use std::sync::Arc;

use super::context::SpanId;
use super::span::{Span, Status};
use super::trace::Trace;

/// The most lines of one trace.
const MAX_LINES: usize = 60;

/// The lines of a trace: children are indented below their parents, in the order of their starts. Times are
/// milliseconds; starts count from the first start in the trace.
pub fn waterfall(trace: &Trace) -> Vec<String> {
    let first = trace.spans().map(|span| span.start).min().unwrap_or(0);
    let mut lines = Vec::new();
    let mut roots: Vec<&Arc<Span>> = trace.roots().collect();
    roots.sort_by_key(|span| span.start);
    // The deepest line of the stack is printed next: a trace may be deeper than the call stack.
    let mut open: Vec<(usize, &Arc<Span>)> = roots.into_iter().rev().map(|it| (0, it)).collect();
    while let Some((depth, span)) = open.pop() {
        if lines.len() == MAX_LINES {
            lines.push("(more spans left out)".to_owned());
            break;
        }
        lines.push(line(span, depth, first));
        let mut children: Vec<&Arc<Span>> = children(trace, span.id).collect();
        children.sort_by_key(|child| child.start);
        open.extend(children.into_iter().rev().map(|child| (depth + 1, child)));
    }
    lines
}

fn children(trace: &Trace, parent: SpanId) -> impl Iterator<Item = &Arc<Span>> {
    trace
        .spans()
        .filter(move |span| span.parent == Some(parent) && span.id != parent)
}

fn line(span: &Span, depth: usize, first: u64) -> String {
    let status = match span.status {
        Status::Unset => String::new(),
        status => format!(" {status}"),
    };
    format!(
        "{}{span} +{:.1} ms, {:.1} ms{status}",
        "  ".repeat(depth),
        milliseconds(span.start - first),
        milliseconds(span.end.saturating_sub(span.start)),
    )
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a duration with one decimal place, for people"
)]
fn milliseconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::super::trace::tests::{span, trace};
    use super::*;

    #[test]
    fn children_stand_below_their_parents_in_the_order_of_their_starts() {
        let failed = Span {
            status: Status::Error,
            ..span(2, 1)
        };
        let lines = waterfall(&trace(&[span(4, 2), span(3, 1), failed, span(1, 9)]));
        assert_eq!(
            lines,
            [
                "SERVER \"span 1\" of gateway +0.0 ms, 1.0 ms",
                "  SERVER \"span 2\" of gateway +1.0 ms, 2.0 ms Error",
                "    SERVER \"span 4\" of gateway +3.0 ms, 4.0 ms",
                "  SERVER \"span 3\" of gateway +2.0 ms, 3.0 ms",
            ]
        );
    }

    #[test]
    fn a_long_trace_is_cut_and_one_without_a_root_has_no_line() {
        let many: Vec<Span> = (1..=80).map(|number| span(number, number - 1)).collect();
        assert_eq!(waterfall(&trace(&many)).len(), MAX_LINES + 1);
        assert!(waterfall(&trace(&[span(1, 2), span(2, 1)])).is_empty());
    }
}
