//! Whether a trace is complete (TRC-3): one root with the right parent, and below it every hop of a request.

use std::sync::Arc;

use conformance_engine::observe::spans::{Kind, Span, SpanId, Trace};

/// A span that a request must leave: its kind, and the `service.name` of its program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// `service.name` of the program.
    pub service: String,
    /// The kind.
    pub kind: Kind,
}

impl Hop {
    /// The SERVER span of a program, and the CLIENT span of a call that it makes.
    pub fn of_program(service: &str) -> [Self; 2] {
        [Kind::Server, Kind::Client].map(|kind| Self {
            service: service.to_owned(),
            kind,
        })
    }

    fn is(&self, span: &Span) -> bool {
        span.kind == self.kind && span.service() == self.service
    }
}

/// How many spans a message lists.
const SHOWN: usize = 12;

/// The spans of the hops, each below the one before it; spans in between are free.
///
/// An error says what is wrong or missing: a fault of the tree, more or less than one root, a root whose parent is not
/// the caller's span (none for a trace that the program began), or a hop that is not below the one before it.
pub fn complete(
    trace: &Trace,
    caller: Option<SpanId>,
    hops: &[Hop],
) -> Result<Vec<Arc<Span>>, String> {
    if let Some(fault) = trace.faults().first() {
        return Err(fault.clone());
    }
    let roots: Vec<&Arc<Span>> = trace.roots().collect();
    let [root] = roots.as_slice() else {
        return Err(format!(
            "{} spans without their parent: {}",
            roots.len(),
            listed(&roots)
        ));
    };
    if root.parent != caller {
        return Err(format!(
            "the parent of {root} is {}, not {}",
            shown(root.parent),
            shown(caller)
        ));
    }
    let mut path = Vec::new();
    if extend(trace, hops, &mut path) {
        return Ok(path);
    }
    let wanted: Vec<String> = hops
        .iter()
        .map(|hop| format!("{} of {}", hop.kind, hop.service))
        .collect();
    let spans: Vec<&Arc<Span>> = trace.spans().collect();
    Err(format!(
        "no {}, each below the one before it, among {}",
        wanted.join(" > "),
        listed(&spans)
    ))
}

/// Finds the hops that follow those in `path`; without success `path` stays as it was.
fn extend(trace: &Trace, hops: &[Hop], path: &mut Vec<Arc<Span>>) -> bool {
    let Some(hop) = hops.get(path.len()) else {
        return true;
    };
    let above = path.last().cloned();
    for span in trace.spans().filter(|span| hop.is(span)) {
        if above.as_ref().is_none_or(|it| trace.is_below(span, it)) {
            path.push(span.clone());
            if extend(trace, hops, path) {
                return true;
            }
            path.pop();
        }
    }
    false
}

fn shown(id: Option<SpanId>) -> String {
    id.map_or_else(|| "none".to_owned(), |id| id.to_string())
}

fn listed(spans: &[&Arc<Span>]) -> String {
    let more = spans.len().saturating_sub(SHOWN);
    let mut shown: Vec<String> = spans.iter().take(SHOWN).map(ToString::to_string).collect();
    if more > 0 {
        shown.push(format!("{more} more"));
    }
    if shown.is_empty() {
        "no span at all".to_owned()
    } else {
        shown.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use conformance_engine::observe::spans::{Attributes, Status, TraceId, Value};

    use super::*;

    /// One minute in nanoseconds.
    const MINUTE: u64 = 60_000_000_000;

    fn id(number: u8) -> Option<SpanId> {
        SpanId::from_bytes(&[number; 8])
    }

    fn trace_id(number: u8) -> TraceId {
        TraceId::from_bytes(&[number; 16]).expect("not zero")
    }

    fn span(number: u8, parent: u8, kind: Kind, service: &str) -> Span {
        let name = Value::Text(service.to_owned());
        Span {
            trace: trace_id(1),
            id: id(number).expect("not zero"),
            parent: id(parent),
            name: format!("span {number}"),
            kind,
            status: Status::Unset,
            start: 10 * MINUTE + u64::from(number),
            end: 10 * MINUTE + 2 * u64::from(number),
            attributes: Attributes::new(),
            resource: Arc::new(Attributes::from([("service.name".to_owned(), name)])),
        }
    }

    /// A request through both programs, with a span between the two of the gateway. The caller's span is 9.
    fn request() -> Vec<Span> {
        vec![
            span(1, 9, Kind::Server, "gateway"),
            span(2, 1, Kind::Internal, "gateway"),
            span(3, 2, Kind::Client, "gateway"),
            span(4, 3, Kind::Server, "users"),
            span(5, 4, Kind::Client, "users"),
        ]
    }

    fn hops() -> Vec<Hop> {
        [Hop::of_program("gateway"), Hop::of_program("users")].concat()
    }

    #[track_caller]
    fn check(spans: Vec<Span>, expected: Result<&[u8], &str>) {
        let trace = Trace::new(trace_id(1), spans.into_iter().map(Arc::new));
        let found = complete(&trace, id(9), &hops());
        match (&found, expected) {
            (Ok(path), Ok(numbers)) => {
                let path: Vec<_> = path.iter().map(|span| Some(span.id)).collect();
                let numbers: Vec<_> = numbers.iter().map(|number| id(*number)).collect();
                assert_eq!(path, numbers);
            }
            (Err(message), Err(part)) => assert!(message.contains(part), "{message}"),
            _ => panic!("{found:?}"),
        }
    }

    #[test]
    fn a_complete_trace_has_every_hop_in_any_order_of_arrival() {
        check(request(), Ok(&[1, 3, 4, 5]));
        check(request().into_iter().rev().collect(), Ok(&[1, 3, 4, 5]));
    }

    #[test]
    fn clocks_may_be_a_minute_apart() {
        let mut spans = request();
        for span in spans.iter_mut().filter(|span| span.service() == "users") {
            span.start -= MINUTE;
            span.end -= MINUTE;
        }
        check(spans, Ok(&[1, 3, 4, 5]));
    }

    #[test]
    fn further_spans_and_repeated_ones_are_free() {
        let mut spans = request();
        spans.push(span(6, 1, Kind::Client, "gateway"));
        spans.push(span(7, 4, Kind::Client, "users"));
        spans.push(span(5, 4, Kind::Client, "users"));
        check(spans, Ok(&[1, 3, 4, 5]));
    }

    #[test]
    fn every_span_but_the_one_in_between_is_needed() {
        for missing in [0, 2, 3, 4] {
            let mut spans = request();
            spans.remove(missing);
            check(spans, Err(if missing == 4 { "no SERVER" } else { "" }));
        }
        check(Vec::new(), Err("0 spans without their parent"));
    }

    #[test]
    fn a_parent_that_is_missing_makes_a_second_root() {
        let mut spans = request();
        spans.remove(1);
        check(spans, Err("2 spans without their parent"));
    }

    #[test]
    fn a_second_root_is_refused() {
        let mut spans = request();
        spans.push(span(6, 0, Kind::Server, "users"));
        check(spans, Err("2 spans without their parent"));
    }

    #[test]
    fn the_root_has_the_parent_that_the_caller_sent() {
        let mut spans = request();
        spans[0].parent = None;
        check(spans, Err("is none, not 0909090909090909"));
    }

    #[test]
    fn a_hop_of_another_kind_or_program_or_place_is_refused() {
        let mut spans = request();
        spans[2].kind = Kind::Internal;
        check(spans, Err("no SERVER of gateway > CLIENT of gateway"));
        let mut spans = request();
        spans[3] = span(4, 3, Kind::Server, "gateway");
        check(spans, Err("no SERVER"));
        // The database's call is a sibling of the handler, not below it.
        let mut spans = request();
        spans[4].parent = id(3);
        check(spans, Err("no SERVER"));
    }

    #[test]
    fn faults_of_the_tree_are_refused() {
        let mut spans = request();
        spans[1].parent = id(2);
        check(spans, Err("below itself"));
        let mut spans = request();
        spans[4].trace = trace_id(2);
        check(spans, Err("another trace"));
        let mut spans = request();
        spans.push(span(5, 4, Kind::Client, "gateway"));
        check(spans, Err("the same id"));
    }
}
