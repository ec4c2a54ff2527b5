//! The state of a transaction, as its database reports it: whether it is still the one that its guard began.

use std::sync::atomic::{AtomicU8, Ordering};

const OPEN: u8 = 0;
const COMMITTING: u8 = 1;
const OVER: u8 = 2;

/// The state of one transaction, shared with the hooks of its database, if it has hooks.
#[derive(Debug, Default)]
pub(super) struct TxWatch(AtomicU8);

#[cfg_attr(not(feature = "sqlite"), expect(dead_code, reason = "only SQLite has hooks"))]
impl TxWatch {
    /// Whether the database may commit: only if the guard commits, and its transaction did not end before.
    pub(super) fn may_commit(&self) -> bool {
        self.0.load(Ordering::SeqCst) == COMMITTING
    }

    /// Notes that the database rolled back.
    pub(super) fn rolled_back(&self) {
        self.0.store(OVER, Ordering::SeqCst);
    }
}

impl TxWatch {
    /// Notes that the guard is about to commit.
    pub(super) fn commits(&self) {
        let _ = self.0.compare_exchange(OPEN, COMMITTING, Ordering::SeqCst, Ordering::SeqCst);
    }

    /// Whether the database rolled back. If so, later statements do not belong to the guard's transaction.
    pub(super) fn is_over(&self) -> bool {
        self.0.load(Ordering::SeqCst) == OVER
    }
}
