//! The spans of one trace as a tree.
//!
//! Clocks of different programs may be a minute apart and spans arrive in any order, so nothing here compares times.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::context::{SpanId, TraceId};
use super::span::Span;

/// The spans of one trace, as far as they are known.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    spans: BTreeMap<SpanId, Arc<Span>>,
    faults: Vec<String>,
}

impl Trace {
    /// The tree of these spans. A span that was exported twice counts once: an exporter may repeat a batch whose answer
    /// it did not see.
    pub fn new(id: TraceId, spans: impl IntoIterator<Item = Arc<Span>>) -> Self {
        let mut trace = Self::default();
        for span in spans {
            if span.trace != id {
                let fault = format!("{span} belongs to another trace, {}", span.trace);
                trace.faults.push(fault);
                continue;
            }
            let known = trace.spans.entry(span.id).or_insert_with(|| span.clone());
            if **known != *span {
                let fault = format!("{known} and {span} have the same id {}", span.id);
                trace.faults.push(fault);
            }
        }
        trace.find_cycles();
        trace
    }

    /// What no trace may have: spans of another trace, different spans with one id, a span below itself.
    pub fn faults(&self) -> &[String] {
        &self.faults
    }

    /// All spans.
    pub fn spans(&self) -> impl Iterator<Item = &Arc<Span>> {
        self.spans.values()
    }

    /// The span with this id.
    pub fn span(&self, id: SpanId) -> Option<&Arc<Span>> {
        self.spans.get(&id)
    }

    /// The spans whose parent is none of the trace's: one in a complete trace.
    pub fn roots(&self) -> impl Iterator<Item = &Arc<Span>> {
        self.spans().filter(|span| self.parent(span).is_none())
    }

    /// Whether the span is a descendant of the other; no span is one of itself.
    pub fn is_below(&self, span: &Span, ancestor: &Span) -> bool {
        self.ancestors(span).any(|above| above.id == ancestor.id)
    }

    /// The span's parent, its parent's parent and so on, as far as they are known.
    pub fn ancestors<'a>(&'a self, span: &'a Span) -> impl Iterator<Item = &'a Arc<Span>> {
        let mut passed = BTreeSet::from([span.id]);
        let parent = self.parent(span);
        std::iter::successors(parent, |above| self.parent(above))
            // Ends also in a trace with a cycle.
            .take_while(move |above| passed.insert(above.id))
    }

    fn parent(&self, span: &Span) -> Option<&Arc<Span>> {
        span.parent.and_then(|id| self.spans.get(&id))
    }

    fn find_cycles(&mut self) {
        let is_in_cycle = |span: &&Arc<Span>| {
            let mut above = self.ancestors(span);
            let last = above.by_ref().last();
            let last = last.unwrap_or(span);
            last.parent == Some(span.id)
        };
        let cycle: Vec<String> = self.spans().filter(is_in_cycle).map(fault_of).collect();
        self.faults.extend(cycle);
    }
}

fn fault_of(span: &Arc<Span>) -> String {
    format!("{span} is below itself")
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::span::{Attributes, Kind, Status, Value};
    use super::*;

    /// The span with this number below that of the other; number 0 is no span.
    pub fn span(number: u8, parent: u8) -> Span {
        let service = Value::Text("gateway".to_owned());
        Span {
            trace: trace_id(1),
            id: span_id(number).expect("a number"),
            parent: span_id(parent),
            name: format!("span {number}"),
            kind: Kind::Server,
            status: Status::Unset,
            start: 1_000_000 * u64::from(number),
            end: 2_000_000 * u64::from(number),
            attributes: Attributes::new(),
            resource: Arc::new(Attributes::from([("service.name".to_owned(), service)])),
        }
    }

    pub fn trace_id(number: u8) -> TraceId {
        TraceId::from_bytes(&[number; 16]).expect("not zero")
    }

    pub fn span_id(number: u8) -> Option<SpanId> {
        SpanId::from_bytes(&[number; 8])
    }

    pub fn trace(spans: &[Span]) -> Trace {
        Trace::new(trace_id(1), spans.iter().cloned().map(Arc::new))
    }

    #[track_caller]
    fn check(spans: &[Span], faults: &[&str]) {
        let trace = trace(spans);
        assert_eq!(trace.faults().len(), faults.len(), "{:?}", trace.faults());
        for (fault, part) in trace.faults().iter().zip(faults) {
            assert!(fault.contains(part), "{fault}");
        }
    }

    #[test]
    fn spans_form_a_tree_in_any_order() {
        let trace = trace(&[span(3, 2), span(1, 9), span(2, 1)]);
        assert!(trace.faults().is_empty(), "{:?}", trace.faults());
        let roots: Vec<SpanId> = trace.roots().map(|span| span.id).collect();
        assert_eq!(roots, [span_id(1).expect("a number")]);
        let at = |number| {
            let id = span_id(number).expect("a number");
            trace.span(id).expect("a span").clone()
        };
        assert!(trace.is_below(&at(3), &at(1)));
        assert!(!trace.is_below(&at(1), &at(3)));
        assert!(!trace.is_below(&at(1), &at(1)));
    }

    #[test]
    fn a_span_without_its_parent_is_one_more_root() {
        let trace = trace(&[span(1, 0), span(2, 1), span(4, 3)]);
        assert_eq!(trace.roots().count(), 2);
    }

    #[test]
    fn a_repeated_span_counts_once_and_a_different_one_with_its_id_is_a_fault() {
        check(&[span(1, 0), span(1, 0)], &[]);
        let other = Span {
            name: "other".to_owned(),
            ..span(1, 0)
        };
        check(&[span(1, 0), other], &["the same id"]);
    }

    #[test]
    fn a_span_of_another_trace_is_a_fault() {
        let foreign = Span {
            trace: trace_id(2),
            ..span(2, 1)
        };
        check(&[span(1, 0), foreign], &["another trace"]);
    }

    #[test]
    fn a_cycle_is_a_fault_of_the_spans_in_it() {
        check(&[span(1, 1)], &["below itself"]);
        check(
            &[span(1, 3), span(2, 1), span(3, 2), span(4, 3)],
            &["below itself"; 3],
        );
    }
}
