//! Log lines for entries that change hands or are gone.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A series of taking over entries. It is logged once when it begins, and once when it ends.
#[derive(Default)]
pub(super) struct TakeOverNotice(Mutex<Option<OngoingTakeOver>>);

struct OngoingTakeOver {
    entries: usize,
    last: Instant,
}

impl TakeOverNotice {
    /// Notes a look that found this many entries. The series ends with a look that finds none, if none was
    /// found for this time.
    pub(super) fn looked(&self, stream: &str, group: &str, entries: usize, quiet: Duration) {
        let mut ongoing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match (&mut *ongoing, entries) {
            (None, 0) => {}
            (None, _) => {
                tracing::warn!(
                    stream,
                    group,
                    "entries that their consumer does not touch any more are taken over"
                );
                *ongoing = Some(OngoingTakeOver { entries, last: Instant::now() });
            }
            (Some(OngoingTakeOver { entries, last }), 0) if last.elapsed() >= quiet => {
                tracing::warn!(stream, group, entries, "no more entries are taken over");
                *ongoing = None;
            }
            (Some(_), 0) => {}
            (Some(take_over), _) => {
                take_over.entries += entries;
                take_over.last = Instant::now();
            }
        }
    }
}

/// Logs entries that were trimmed away while they were pending: nobody will work on them again.
pub(super) fn tell_trimmed(stream: &str, group: &str, entries: u64) {
    if entries > 0 {
        tracing::error!(stream, group, entries, "entries were trimmed away before they were done");
    }
}
