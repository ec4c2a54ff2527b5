//! The contract of a place for locks alone.

use crate::key::StorageKey;
use crate::store::future::StoreFuture;
use crate::store::label::Label;
use std::fmt;
use std::time::Duration;

/// A place for locks alone, for handlers with `strategy = "lock"`: `ZooKeeper`, or your own.
///
/// Without one, locks are records in the store.
///
/// # The contract
/// - A lock has at most one holder, as far as the backend can know.
/// - Every holder of a lock has a higher fence than the holder before it.
/// - A caller that is dropped while it waits, and a handle that is dropped without a release, exclude
///   others for `lease` at most.
/// - After an error of `acquire` nobody holds the lock because of that call.
pub trait Locks: Send + Sync + fmt::Debug + 'static {
    /// Waits for a lock and takes it; `None` when others held it for as long as the request waits.
    ///
    /// Of concurrent callers, in all processes, one has the lock at a time. A caller that got an error may
    /// ask again, and then gets a new fence.
    ///
    /// The engine drops a call that lasts longer than the request waits and, beside that, the store's
    /// patience. Within one process it makes one at a time for each lock: others queue before it.
    fn acquire<'a>(
        &'a self,
        request: LockRequest<'a>,
    ) -> StoreFuture<'a, Option<Box<dyn LockHandle>>>;

    /// Whether the backend answers now; takes no lock.
    fn ping(&self) -> StoreFuture<'_, ()>;

    /// The backend and its address without credentials, for people.
    fn describe(&self) -> String;
}

/// A lock to acquire, and for how long.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct LockRequest<'a> {
    /// The lock.
    pub key: &'a StorageKey,
    /// The readable parts of its key, to be stored beside it.
    pub label: &'a Label,
    /// How long to wait for other holders.
    pub wait: Duration,
    /// How long a holder that was dropped without a release may still exclude others.
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

    /// Whether nobody else can hold the lock yet.
    fn is_certain(&self) -> bool;

    /// Releases the lock in one atomic step, and says whether it was still held.
    ///
    /// A stale holder, which lost the lock before, gets [`LeaseStatus::Lost`] and changes nothing.
    fn release(self: Box<Self>) -> StoreFuture<'static, LeaseStatus>;
}

/// Whether an owner still had its lease when the backend acted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseStatus {
    /// It had, and the change is made.
    Held,
    /// Another owner has it, or none; nothing was changed.
    Lost,
}
