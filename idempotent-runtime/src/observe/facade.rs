//! Handles of numbers. They report to the metrics facade (feature `metrics`), and remember the last minutes
//! for the inspector (feature `inspector`). Without both features they hold nothing and do nothing.

#![cfg_attr(
    not(feature = "metrics"),
    expect(unused_variables, clippy::unused_self, reason = "there is no facade to tell")
)]
#![cfg_attr(
    not(feature = "_meters"),
    expect(clippy::needless_pass_by_value, reason = "there is nobody to tell")
)]

#[cfg(feature = "inspector")]
use crate::observe::recent::{KeptLevel, RecentSpread, RecentTotal, Spread, TotalSeen};
#[cfg(feature = "_meters")]
use std::sync::{PoisonError, RwLock};
#[cfg(feature = "_meters")]
use std::time::Instant;

/// The name of a label, and its value.
pub(crate) type LabelPair<'a> = (&'static str, &'a str);

/// A number that only grows.
#[derive(Clone, Debug)]
pub(crate) struct Total {
    #[cfg(feature = "metrics")]
    told: metrics::Counter,
}

/// Totals with one name that differ in one label. The values of that label are words of this crate.
#[derive(Debug)]
pub(crate) struct TotalsByWord {
    #[cfg(feature = "metrics")]
    name: &'static str,
    #[cfg(feature = "metrics")]
    labels: Vec<metrics::Label>,
    #[cfg(feature = "metrics")]
    by: &'static str,
    /// The words that are known from the start, which are found without a lock.
    #[cfg(feature = "_meters")]
    first: Vec<(&'static str, WordTotal)>,
    #[cfg(feature = "_meters")]
    met: RwLock<Vec<(&'static str, WordTotal)>>,
}

/// The total of one word.
#[cfg(feature = "_meters")]
#[derive(Debug)]
struct WordTotal {
    told: Total,
    #[cfg(feature = "inspector")]
    recent: RecentTotal,
}

/// A number that goes up and down.
#[derive(Clone, Debug)]
pub(crate) struct Level {
    #[cfg(feature = "metrics")]
    told: metrics::Gauge,
    #[cfg(feature = "inspector")]
    kept: KeptLevel,
}

/// The distribution of values.
#[derive(Debug)]
pub(crate) struct Distribution {
    #[cfg(feature = "metrics")]
    told: metrics::Histogram,
    #[cfg(feature = "inspector")]
    recent: RecentSpread,
}

/// A moment to measure from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch {
    #[cfg(feature = "_meters")]
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
            #[cfg(feature = "_meters")]
            first: Vec::new(),
            #[cfg(feature = "_meters")]
            met: RwLock::default(),
        };
        #[cfg(feature = "_meters")]
        let new = new.expecting(first);
        new
    }

    /// Adds these words, each with a total of zero, so that a rate sees even the first event.
    #[cfg(feature = "_meters")]
    fn expecting(mut self, first: &[&'static str]) -> Self {
        self.first = first.iter().map(|word| (*word, self.total(word))).collect();
        for (_, total) in &self.first {
            total.add(0);
        }
        self
    }

    /// Adds one to the total of this word.
    pub(crate) fn count(&self, word: &'static str) {
        self.add(word, 1);
    }

    fn add(&self, word: &'static str, count: u32) {
        #[cfg(feature = "_meters")]
        {
            let of = |known: &[(&'static str, WordTotal)]| {
                known.iter().find(|(name, _)| *name == word).map(|(_, total)| total.add(count))
            };
            if of(&self.first).is_some()
                || of(&self.met.read().unwrap_or_else(PoisonError::into_inner)).is_some()
            {
                return;
            }
            let mut met = self.met.write().unwrap_or_else(PoisonError::into_inner);
            if of(&met).is_none() {
                let total = self.total(word);
                total.add(count);
                met.push((word, total));
            }
        }
    }

    #[cfg(feature = "_meters")]
    fn total(&self, word: &'static str) -> WordTotal {
        WordTotal {
            told: Total {
                #[cfg(feature = "metrics")]
                told: {
                    let mut labels = self.labels.clone();
                    labels.push(metrics::Label::from_static_parts(self.by, word));
                    metrics::counter!(self.name, labels)
                },
            },
            #[cfg(feature = "inspector")]
            recent: RecentTotal::default(),
        }
    }

    /// The totals of all words, since the start and in the last minutes.
    #[cfg(feature = "inspector")]
    pub(crate) fn seen(&self) -> Vec<(&'static str, TotalSeen)> {
        let met = self.met.read().unwrap_or_else(PoisonError::into_inner);
        self.first.iter().chain(&*met).map(|(word, total)| (*word, total.recent.seen())).collect()
    }
}

#[cfg(feature = "_meters")]
impl WordTotal {
    fn add(&self, count: u32) {
        self.told.add(count.into());
        #[cfg(feature = "inspector")]
        self.recent.add(count);
    }
}

impl Level {
    pub(crate) fn new(name: &'static str, labels: &[LabelPair<'_>]) -> Self {
        Self {
            #[cfg(feature = "metrics")]
            told: metrics::gauge!(name, owned(labels)),
            #[cfg(feature = "inspector")]
            kept: KeptLevel::default(),
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

    /// Sets the level. A level that is set must not rise and fall as well.
    pub(crate) fn set(&self, to: u32) {
        #[cfg(feature = "metrics")]
        self.told.set(to);
        #[cfg(feature = "inspector")]
        self.kept.set(to);
    }

    /// Sets it to the seconds of an age.
    pub(super) fn set_seconds(&self, to: f64) {
        #[cfg(feature = "metrics")]
        self.told.set(to);
    }

    /// The value that was set last.
    #[cfg(feature = "inspector")]
    pub(crate) fn seen(&self) -> u32 {
        self.kept.get()
    }
}

/// A level that is not exported.
impl Default for Level {
    fn default() -> Self {
        Self {
            #[cfg(feature = "metrics")]
            told: metrics::Gauge::noop(),
            #[cfg(feature = "inspector")]
            kept: KeptLevel::default(),
        }
    }
}

impl Distribution {
    pub(super) fn new(name: &'static str, labels: &[LabelPair<'_>]) -> Self {
        Self {
            #[cfg(feature = "metrics")]
            told: metrics::histogram!(name, owned(labels)),
            #[cfg(feature = "inspector")]
            recent: RecentSpread::default(),
        }
    }

    /// Adds the seconds since the watch was started.
    pub(crate) fn record_since(&self, watch: Stopwatch) {
        #[cfg(feature = "_meters")]
        self.record(watch.began.elapsed().as_secs_f64());
    }

    pub(crate) fn record(&self, value: impl Into<f64>) {
        #[cfg(feature = "_meters")]
        {
            let value = value.into();
            #[cfg(feature = "metrics")]
            self.told.record(value);
            #[cfg(feature = "inspector")]
            self.recent.record(value);
        }
    }

    /// The values of the last minutes.
    #[cfg(feature = "inspector")]
    pub(crate) fn seen(&self) -> Spread {
        self.recent.seen()
    }
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self {
            #[cfg(feature = "_meters")]
            began: Instant::now(),
        }
    }

    /// The time since the watch was started.
    #[cfg(feature = "inspector")]
    pub(crate) fn elapsed(self) -> std::time::Duration {
        self.began.elapsed()
    }
}

/// The labels of a handle, for the handle to keep.
#[cfg(feature = "metrics")]
fn owned(labels: &[LabelPair<'_>]) -> Vec<metrics::Label> {
    labels.iter().map(|(name, value)| metrics::Label::new(*name, (*value).to_owned())).collect()
}
