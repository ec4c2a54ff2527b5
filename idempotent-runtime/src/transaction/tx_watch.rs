//! The state of a transaction as its database tells it: is it still the one that its guard began?

use std::sync::atomic::{AtomicU8, Ordering};

const OPEN: u8 = 0;
const COMMITTING: u8 = 1;
const OVER: u8 = 2;

/// The state of one transaction, shared with the hooks of its database, where that has any.
#[derive(Debug, Default)]
pub(super) struct TxWatch(AtomicU8);

#[cfg_attr(not(feature = "sqlite"), expect(dead_code, reason = "only SQLite has hooks"))]
impl TxWatch {
    /// Whether the database may commit: only if the guard does, and its transaction never ended before.
    pub(super) fn may_commit(&self) -> bool {
        self.0.load(Ordering::SeqCst) == COMMITTING
    }

    /// The database rolled back.
    pub(super) fn rolled_back(&self) {
        self.0.store(OVER, Ordering::SeqCst);
    }
}

impl TxWatch {
    /// The guard is about to commit.
    pub(super) fn commits(&self) {
        let _ = self.0.compare_exchange(OPEN, COMMITTING, Ordering::SeqCst, Ordering::SeqCst);
    }

    /// Whether the database rolled back, and whatever is executed now belongs to no transaction of ours.
    pub(super) fn is_over(&self) -> bool {
        self.0.load(Ordering::SeqCst) == OVER
    }
}
