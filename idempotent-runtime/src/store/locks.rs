//! Where locks live that are no records: the contract.

use crate::key::StorageKey;
use crate::store::StoreFuture;
use crate::store::record::Label;
use std::fmt;
use std::time::Duration;

/// A place for locks alone, for handlers with `strategy = "lock"`: `ZooKeeper`, or your own.
///
/// Without one, locks are records in the store.
///
/// # The contract
/// - A lock has at most one holder, as far as the backend can know.
/// - The fences of a lock's holders grow, from each to the next.
/// - Who is dropped while it waits or holds leaves nothing behind for longer than `lease`.
/// - An error means that nobody holds anything because of this call.
pub trait Locks: Send + Sync + fmt::Debug + 'static {
    /// Waits for a lock and takes it; nothing, if others held it for as long as `wanted` waits.
    ///
    /// Called once at a time for each lock and process: those who wait stand in line before it.
    fn acquire<'a>(
        &'a self,
        wanted: LockRequest<'a>,
    ) -> StoreFuture<'a, Option<Box<dyn LockHandle>>>;

    /// The backend and its address without credentials, for people.
    fn describe(&self) -> String;
}

/// What is asked of a place for locks.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct LockRequest<'a> {
    /// The lock.
    pub key: &'a StorageKey,
    /// Its readable parts, to be put down beside it.
    pub label: &'a Label,
    /// How long to wait for others.
    pub at_most: Duration,
    /// How long a holder that was dropped without a release may still exclude others.
    pub lease: Duration,
}

impl<'a> LockRequest<'a> {
    /// This lock.
    #[must_use]
    pub const fn new(
        key: &'a StorageKey,
        label: &'a Label,
        at_most: Duration,
        lease: Duration,
    ) -> Self {
        Self { key, label, at_most, lease }
    }
}

/// A lock that is held.
pub trait LockHandle: Send + Sync + fmt::Debug {
    /// A number that grows with every holder of the lock.
    fn fence(&self) -> u64;

    /// Whether it is certain that nobody else can hold it by now.
    fn is_certain(&self) -> bool;

    /// Gives it to the next, and says whether it was still held.
    fn release(self: Box<Self>) -> StoreFuture<'static, LeaseStatus>;
}

/// Whether what a run held was still its own when the backend acted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseStatus {
    /// It was ours, and the change is made.
    Held,
    /// Another owner has it, or it is gone; nothing was changed.
    Lost,
}
