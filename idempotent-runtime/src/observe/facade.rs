//! Handles of the metrics facade. Without the feature `metrics` they hold nothing and do nothing.

#![cfg_attr(
    not(feature = "metrics"),
    expect(
        unused_variables,
        clippy::needless_pass_by_value,
        clippy::unused_self,
        reason = "there is nobody to tell"
    )
)]

#[cfg(feature = "metrics")]
use std::sync::{PoisonError, RwLock};
#[cfg(feature = "metrics")]
use std::time::Instant;

/// The name of a label, and its value.
pub(crate) type LabelPair<'a> = (&'static str, &'a str);

/// A number that only grows.
#[derive(Clone, Debug)]
pub(crate) struct Total {
    #[cfg(feature = "metrics")]
    told: metrics::Counter,
}

/// Totals of one name that differ in one label, whose values are words of this crate.
#[derive(Debug)]
pub(crate) struct TotalsByWord {
    #[cfg(feature = "metrics")]
    name: &'static str,
    #[cfg(feature = "metrics")]
    labels: Vec<metrics::Label>,
    #[cfg(feature = "metrics")]
    by: &'static str,
    #[cfg(feature = "metrics")]
    known: RwLock<Vec<(&'static str, Total)>>,
}

/// A number that goes up and down.
#[derive(Clone, Debug)]
pub(crate) struct Level {
    #[cfg(feature = "metrics")]
    told: metrics::Gauge,
}

/// How values spread.
#[derive(Clone, Debug)]
pub(crate) struct Distribution {
    #[cfg(feature = "metrics")]
    told: metrics::Histogram,
}

/// A moment to measure from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch {
    #[cfg(feature = "metrics")]
    began: Instant,
}

impl Total {
    pub(super) fn new(name: &'static str, labels: &[LabelPair<'_>]) -> Self {
        Self {
            #[cfg(feature = "metrics")]
            told: metrics::counter!(name, owned(labels)),
        }
    }

    pub(crate) fn add(&self, count: u64) {
        #[cfg(feature = "metrics")]
        self.told.increment(count);
    }
}

impl TotalsByWord {
    pub(super) fn new(
        name: &'static str,
        labels: &[LabelPair<'_>],
        by: &'static str,
        first: &[&'static str],
    ) -> Self {
        let new = Self {
            #[cfg(feature = "metrics")]
            name,
            #[cfg(feature = "metrics")]
            labels: owned(labels),
            #[cfg(feature = "metrics")]
            by,
            #[cfg(feature = "metrics")]
            known: RwLock::default(),
        };
        // From zero, so that a rate sees the first one.
        for word in first {
            new.add(word, 0);
        }
        new
    }

    /// Counts one of this word.
    pub(crate) fn count(&self, word: &'static str) {
        self.add(word, 1);
    }

    fn add(&self, word: &'static str, count: u64) {
        #[cfg(feature = "metrics")]
        {
            let of = |known: &[(&'static str, Total)]| {
                known.iter().find(|(name, _)| *name == word).map(|(_, total)| total.add(count))
            };
            if of(&self.known.read().unwrap_or_else(PoisonError::into_inner)).is_some() {
                return;
            }
            let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
            if of(&known).is_none() {
                let mut labels = self.labels.clone();
                labels.push(metrics::Label::from_static_parts(self.by, word));
                let told = metrics::counter!(self.name, labels);
                told.increment(count);
                known.push((word, Total { told }));
            }
        }
    }
}

impl Level {
    pub(crate) fn new(name: &'static str, labels: &[LabelPair<'_>]) -> Self {
        Self {
            #[cfg(feature = "metrics")]
            told: metrics::gauge!(name, owned(labels)),
        }
    }

    pub(crate) fn rise(&self) {
        #[cfg(feature = "metrics")]
        self.told.increment(1.0);
    }

    pub(crate) fn fall(&self) {
        #[cfg(feature = "metrics")]
        self.told.decrement(1.0);
    }

    pub(crate) fn set(&self, to: impl Into<f64>) {
        #[cfg(feature = "metrics")]
        self.told.set(to.into());
    }
}

/// One that nobody sees.
impl Default for Level {
    fn default() -> Self {
        Self {
            #[cfg(feature = "metrics")]
            told: metrics::Gauge::noop(),
        }
    }
}

impl Distribution {
    pub(super) fn new(name: &'static str, labels: &[LabelPair<'_>]) -> Self {
        Self {
            #[cfg(feature = "metrics")]
            told: metrics::histogram!(name, owned(labels)),
        }
    }

    /// Records the seconds since then.
    pub(crate) fn record_since(&self, watch: Stopwatch) {
        #[cfg(feature = "metrics")]
        self.told.record(watch.began.elapsed().as_secs_f64());
    }

    pub(crate) fn record(&self, value: impl Into<f64>) {
        #[cfg(feature = "metrics")]
        self.told.record(value.into());
    }
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self {
            #[cfg(feature = "metrics")]
            began: Instant::now(),
        }
    }
}

/// The labels of a handle, which is made once.
#[cfg(feature = "metrics")]
fn owned(labels: &[LabelPair<'_>]) -> Vec<metrics::Label> {
    labels.iter().map(|(name, value)| metrics::Label::new(*name, (*value).to_owned())).collect()
}
