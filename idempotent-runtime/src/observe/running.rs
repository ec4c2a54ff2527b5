//! The runs under way, with their ages, for the inspector. Without the feature `inspector` nothing is noted.

use crate::key::StorageKey;
use crate::observe::facade::Stopwatch;
#[cfg(feature = "inspector")]
use slab::Slab;
#[cfg(feature = "inspector")]
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
#[cfg(feature = "inspector")]
use std::time::Duration;

/// The key of a run, once it is known.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RunKey(#[cfg(feature = "inspector")] Option<StorageKey>);

impl RunKey {
    pub(crate) fn of(key: &StorageKey) -> Self {
        #[cfg(not(feature = "inspector"))]
        let _ = key;
        Self(
            #[cfg(feature = "inspector")]
            Some(*key),
        )
    }
}

/// A run under way. It is measured until this is dropped.
#[derive(Debug)]
pub(crate) struct RunMeter {
    pub(super) since: Stopwatch,
    #[cfg(feature = "inspector")]
    pub(super) _place: RunningPlace,
}

/// The runs of one operation that are under way.
#[cfg(feature = "inspector")]
#[derive(Debug, Default)]
pub(super) struct Runs(Mutex<Slab<RunUnderWay>>);

#[cfg(feature = "inspector")]
#[derive(Debug)]
struct RunUnderWay {
    key: RunKey,
    attempt: u64,
    since: Stopwatch,
}

/// The place of a run in the list.
#[cfg(feature = "inspector")]
#[derive(Debug)]
pub(super) struct RunningPlace {
    runs: Arc<Runs>,
    at: usize,
}

/// A run under way, as the inspector shows it.
#[cfg(feature = "inspector")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct RunSeen {
    pub(crate) key: Option<StorageKey>,
    /// 0 for a run without a guard.
    pub(crate) attempt: u64,
    pub(crate) age: Duration,
}

#[cfg(feature = "inspector")]
impl Runs {
    /// Notes a run until its place is dropped.
    pub(super) fn begin(
        self: &Arc<Self>,
        key: RunKey,
        attempt: u64,
        since: Stopwatch,
    ) -> RunningPlace {
        let at = self.all().insert(RunUnderWay { key, attempt, since });
        RunningPlace { runs: Arc::clone(self), at }
    }

    pub(super) fn seen(&self) -> Vec<RunSeen> {
        let seen = |run: &RunUnderWay| RunSeen {
            key: run.key.0,
            attempt: run.attempt,
            age: run.since.elapsed(),
        };
        self.all().iter().map(|(_, run)| seen(run)).collect()
    }

    fn all(&self) -> MutexGuard<'_, Slab<RunUnderWay>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(feature = "inspector")]
impl Drop for RunningPlace {
    fn drop(&mut self) {
        self.runs.all().try_remove(self.at);
    }
}
