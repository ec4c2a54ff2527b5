//! A recorder for tests. It keeps the counters that code on this thread reported.

use metrics::{
    Counter as CounterHandle, Gauge, Histogram, Key, KeyName, LocalRecorderGuard, Metadata,
    Recorder, SharedString, Unit, set_default_local_recorder,
};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Counters by their names and the values of their labels, as `name: value value`.
#[derive(Debug, Default)]
pub(crate) struct Recorded(Mutex<BTreeMap<String, Arc<AtomicU64>>>);

impl Recorded {
    /// Listens on this thread until the guard is dropped.
    pub(crate) fn listen(&self) -> LocalRecorderGuard<'_> {
        set_default_local_recorder(self)
    }

    /// The counters with this name that are not zero.
    pub(crate) fn counted(&self, name: &str) -> Vec<(String, u64)> {
        let counters = self.0.lock().unwrap();
        let counted = counters.iter().filter_map(|(series, counter)| {
            let labels = series.strip_prefix(name)?.strip_prefix(": ")?;
            Some((labels.to_owned(), counter.load(Ordering::Relaxed)))
        });
        counted.filter(|(_, times)| *times > 0).collect()
    }
}

impl Recorder for Recorded {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> CounterHandle {
        let labels: Vec<_> = key.labels().map(metrics::Label::value).collect();
        let series = format!("{}: {}", key.name(), labels.join(" "));
        CounterHandle::from_arc(Arc::clone(self.0.lock().unwrap().entry(series).or_default()))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}
