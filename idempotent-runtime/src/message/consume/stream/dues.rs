//! The times at which entries that were given back may be taken over.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The times at which entries that were given back may be taken over.
#[derive(Default)]
pub(super) struct Dues(Mutex<BTreeSet<Instant>>);

impl Dues {
    pub(super) fn add(&self, after: Duration) {
        self.lock().insert(Instant::now() + after);
    }

    /// The time until the next entry that was given back is due. An entry that is due is returned once.
    pub(super) fn next(&self) -> Option<Duration> {
        let mut dues = self.lock();
        let due = dues.first().map(|due| due.saturating_duration_since(Instant::now()));
        if due.is_some_and(|due| due.is_zero()) {
            let later = dues.split_off(&Instant::now());
            *dues = later;
        }
        due
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
