//! The contract of a place that keeps only locks.

use crate::key::StorageKey;
use crate::store::future::StoreFuture;
use crate::store::label::Label;
use std::fmt;
use std::time::Duration;

/// A place that keeps only locks, for handlers with `strategy = "lock"`: `ZooKeeper`, or your own.
///
/// Without one, locks are records in the store.
///
/// # The contract
/// - A lock has at most one holder, as far as the backend can know.
/// - Every holder of a lock has a greater fence than all holders before it.
/// - If a caller is dropped while it waits, or a handle without a release, it excludes others for `lease` at
///   most.
/// - After an error of `acquire`, nobody holds the lock because of that call.
pub trait Locks: Send + Sync + fmt::Debug + 'static {
    /// Waits for a lock and takes it. Returns `None` if others held it for as long as the request waits.
    ///
    /// Of concurrent callers, in all processes, one has the lock at a time. A caller that got an error may
    /// ask again, and then gets a new fence.
    ///
    /// The engine drops a call that takes longer than the request waits plus the store's patience. In one
    /// process it makes one call at a time for each lock; other requests wait in a queue before it.
    fn acquire<'a>(
        &'a self,
        request: LockRequest<'a>,
    ) -> StoreFuture<'a, Option<Box<dyn LockHandle>>>;

    /// Whether the backend answers now. Takes no lock.
    fn ping(&self) -> StoreFuture<'_, ()>;

    /// The kind of backend and its address without credentials, for people.
    fn describe(&self) -> String;
}

/// A lock to acquire, with its times.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct LockRequest<'a> {
    /// The lock.
    pub key: &'a StorageKey,
    /// The readable parts of its key, which are stored with it.
    pub label: &'a Label,
    /// The time to wait for other holders.
    pub wait: Duration,
    /// The time for which a holder that was dropped without a release may still exclude others.
    pub lease: Duration,
}

impl<'a> LockRequest<'a> {
    /// A request for this lock.
    #[must_use]
    pub const fn new(
        key: &'a StorageKey,
        label: &'a Label,
        wait: Duration,
        lease: Duration,
    ) -> Self {
        Self { key, label, wait, lease }
    }
}

/// A lock that is held.
pub trait LockHandle: Send + Sync + fmt::Debug {
    /// The fencing token: a number that grows with every holder of the lock.
    fn fence(&self) -> u64;

    /// Whether it is certain that nobody else holds the lock yet.
    fn is_certain(&self) -> bool;

    /// Releases the lock in one atomic step. Tells whether it was still held.
    ///
    /// A stale holder, which lost the lock before, gets [`LeaseStatus::Lost`] and changes nothing.
    fn release(self: Box<Self>) -> StoreFuture<'static, LeaseStatus>;
}

/// Whether an owner still had its lease when the backend acted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseStatus {
    /// It had its lease, and the change is made.
    Held,
    /// It had lost its lease, and nothing was changed.
    Lost,
}
