//! Counters of events.

use crate::error::{StoreError, StoreErrorKind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

macro_rules! counts {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// How often each thing happened since the engine was built.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Counts {
            $($(#[$doc])* pub $name: u64,)*
        }

        /// The living counters behind [`Counts`].
        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            $(pub(crate) $name: Counter,)*
        }

        impl Counters {
            pub(crate) fn read(&self) -> Counts {
                Counts { $($name: self.$name.0.load(Ordering::Relaxed),)* }
            }
        }
    };
}

counts! {
    /// Runs that were started.
    ran,
    /// Stored responses that were sent again.
    replayed,
    /// Requests that were refused: duplicates, conflicts, unknown tokens.
    refused,
    /// Requests and calls that met a key which waits for a person, and were answered `outcome-unknown`; and tasks
    /// that a runner found so. One key counts as often as it is met; `records()` lists those that are held now.
    held,
    /// Runs whose outcome was not stored when it was sent, or could not be.
    not_stored,
    /// Outcomes that were stored after they were sent, or after whoever waited for them was gone.
    stored_late,
    /// Runs that found their key lost when they finished: another had it, or it was given back or ended.
    lost,
    /// Requests for which the store did not answer.
    store_failed,
    /// Requests and calls that ran unguarded: while the store did not answer, or because records are off.
    unguarded,
    /// Requests refused because the record under their key could not be read.
    undecodable,
    /// Leases that were renewed, because their runs lasted.
    renewed,
    /// Keys taken over from an owner that died.
    taken_over,
}

impl Counters {
    /// Counts a request that failed by its store.
    pub(crate) fn failed(&self, error: &StoreError) {
        match error.kind() {
            StoreErrorKind::Corrupt => self.undecodable.count(),
            _ => self.store_failed.count(),
        }
    }
}

/// Whether something is out of order, which is told once when it begins, and once when it ends.
#[derive(Debug, Default)]
pub(crate) struct Outage(AtomicBool);

impl Outage {
    /// Whether it begins here.
    pub(crate) fn begins(&self) -> bool {
        !self.0.swap(true, Ordering::Relaxed)
    }

    /// Whether it ends here.
    pub(crate) fn ends(&self) -> bool {
        self.0.load(Ordering::Relaxed) && self.0.swap(false, Ordering::Relaxed)
    }
}

/// One number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}
