//! The spans that scenarios wait for.
//!
//! Only spans of followed traces and services are kept, a bounded number for each subscription, until it is dropped: a
//! run with many requests needs no memory for spans that no scenario reads.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::observe::spans::{Span, Trace, TraceId};

/// The most spans that a subscription keeps.
const MAX_SPANS: usize = 50_000;

/// The spans of all subscriptions.
#[derive(Debug, Default)]
pub struct Store {
    next: AtomicU64,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    followed_traces: HashMap<TraceId, u64>,
    followed_services: HashMap<String, u64>,
    kept: HashMap<u64, Kept>,
}

/// The spans of one subscription.
#[derive(Debug, Default)]
struct Kept {
    count: usize,
    spans: BTreeMap<TraceId, Vec<Arc<Span>>>,
    overflowed: bool,
}

impl Store {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a span for the subscriptions that follow its trace or its service.
    pub fn add(&self, span: Span) {
        let mut inner = self.lock();
        let by_trace = inner.followed_traces.get(&span.trace).copied();
        let by_service = inner.followed_services.get(span.service()).copied();
        let by_service = by_service.filter(|id| Some(*id) != by_trace);
        let span = Arc::new(span);
        for id in by_trace.into_iter().chain(by_service) {
            if let Some(kept) = inner.kept.get_mut(&id) {
                kept.add(span.clone());
            }
        }
    }
}

impl Kept {
    fn add(&mut self, span: Arc<Span>) {
        if self.count == MAX_SPANS {
            self.overflowed = true;
            return;
        }
        self.count += 1;
        self.spans.entry(span.trace).or_default().push(span);
    }
}

/// Follows traces and services; the spans that arrive from then on are kept until it is dropped.
///
/// A trace or a service is followed by one subscription only, the latest: scenarios make them for themselves.
#[derive(Debug)]
pub struct Subscription {
    id: u64,
    store: Arc<Store>,
}

impl Subscription {
    pub(super) fn new(store: Arc<Store>) -> Self {
        let id = store.next.fetch_add(1, Ordering::Relaxed);
        store.lock().kept.insert(id, Kept::default());
        Self { id, store }
    }

    /// Keeps the spans of this trace.
    pub fn follow_trace(&self, trace: TraceId) {
        self.store.lock().followed_traces.insert(trace, self.id);
    }

    /// Keeps the spans of programs with this `service.name`.
    pub fn follow_service(&self, name: &str) {
        let mut inner = self.store.lock();
        inner.followed_services.insert(name.to_owned(), self.id);
    }

    /// What has arrived of a trace.
    pub fn trace(&self, id: TraceId) -> Trace {
        let inner = self.store.lock();
        let spans = inner.kept.get(&self.id).and_then(|it| it.spans.get(&id));
        Trace::new(id, spans.into_iter().flatten().cloned())
    }

    /// The traces of which a span has arrived.
    pub fn traces(&self) -> Vec<TraceId> {
        let inner = self.store.lock();
        let kept = inner.kept.get(&self.id);
        kept.map(|it| it.spans.keys().copied().collect())
            .unwrap_or_default()
    }

    /// Whether more spans arrived than are kept, so that a missing one proves nothing.
    pub fn overflowed(&self) -> bool {
        let inner = self.store.lock();
        inner.kept.get(&self.id).is_some_and(|it| it.overflowed)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut inner = self.store.lock();
        inner.kept.remove(&self.id);
        inner.followed_traces.retain(|_, id| *id != self.id);
        inner.followed_services.retain(|_, id| *id != self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::spans::{Attributes, Kind, SpanId, Status, Value};

    fn span(trace: TraceId, service: &str) -> Span {
        let service = Value::Text(service.to_owned());
        Span {
            trace,
            id: SpanId::random(),
            parent: None,
            name: "span".to_owned(),
            kind: Kind::Internal,
            status: Status::Unset,
            start: 0,
            end: 0,
            attributes: Attributes::new(),
            resource: Arc::new(Attributes::from([("service.name".to_owned(), service)])),
        }
    }

    fn count(subscription: &Subscription, trace: TraceId) -> usize {
        subscription.trace(trace).spans().count()
    }

    #[test]
    fn only_followed_spans_are_kept_and_each_once() {
        let store = Arc::<Store>::default();
        let (one, other) = (
            Subscription::new(store.clone()),
            Subscription::new(store.clone()),
        );
        let (followed, unknown) = (TraceId::random(), TraceId::random());
        one.follow_trace(followed);
        one.follow_service("mine");
        other.follow_service("theirs");
        for (trace, service) in [
            (followed, "mine"),
            (followed, "theirs"),
            (unknown, "mine"),
            (unknown, "no one's"),
        ] {
            store.add(span(trace, service));
        }
        assert_eq!((count(&one, followed), count(&one, unknown)), (2, 1));
        assert_eq!((count(&other, followed), count(&other, unknown)), (1, 0));
        assert_eq!(other.traces(), [followed]);
    }

    #[test]
    fn a_dropped_subscription_leaves_nothing() {
        let store = Arc::<Store>::default();
        let subscription = Subscription::new(store.clone());
        subscription.follow_trace(TraceId::random());
        subscription.follow_service("mine");
        drop(subscription);
        let inner = store.lock();
        assert!(inner.kept.is_empty());
        assert!(inner.followed_traces.is_empty() && inner.followed_services.is_empty());
    }

    #[test]
    fn spans_beyond_the_bound_are_counted_as_missing() {
        let store = Arc::<Store>::default();
        let subscription = Subscription::new(store.clone());
        let trace = TraceId::random();
        subscription.follow_trace(trace);
        for _ in 0..MAX_SPANS {
            store.add(span(trace, "mine"));
        }
        assert!(!subscription.overflowed());
        store.add(span(trace, "mine"));
        assert!(subscription.overflowed());
        assert_eq!(count(&subscription, trace), MAX_SPANS);
    }
}
