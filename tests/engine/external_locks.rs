//! Locks in a service of their own that has a fault.

use crate::{PATIENCE, ask, refused};
use futures_util::poll;
use idempotent_runtime::MemoryStore;
use idempotent_runtime::clock::SystemClock;
use idempotent_runtime::engine::{
    Admission, Claim, ClaimRequest, Claimable, Engine, OnDrainTimeout, Refusal,
};
use idempotent_runtime::policy::OnAbandoned;
use idempotent_runtime::store::{
    LeaseStatus, LockHandle, LockRequest, Locks, StoreError, StoreErrorKind, StoreFuture,
};
use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::timeout;

/// The result of releasing a lock.
#[derive(Clone, Debug)]
enum Release {
    Fails,
    IsNotAnswered,
    /// The release waits until the test tells it to go on, and reports when it is done.
    TakesLong(Arc<Notify>, Arc<AtomicBool>),
}

/// Grants a lock when the test says so.
#[derive(Debug)]
struct TroubledLocks {
    grant: Arc<Notify>,
    release: Release,
}

impl Locks for TroubledLocks {
    fn acquire<'a>(&'a self, _: LockRequest<'a>) -> StoreFuture<'a, Option<Box<dyn LockHandle>>> {
        StoreFuture::new(async move {
            self.grant.notified().await;
            let handle: Box<dyn LockHandle> = Box::new(TroubledLock(self.release.clone()));
            Ok(Some(handle))
        })
    }

    fn ping(&self) -> StoreFuture<'_, ()> {
        StoreFuture::ready(Ok(()))
    }

    fn describe(&self) -> String {
        "troubled".to_owned()
    }
}

#[derive(Debug)]
struct TroubledLock(Release);

impl LockHandle for TroubledLock {
    fn fence(&self) -> u64 {
        1
    }

    fn is_certain(&self) -> bool {
        true
    }

    fn release(self: Box<Self>) -> StoreFuture<'static, LeaseStatus> {
        match self.0 {
            Release::Fails => {
                StoreFuture::ready(Err(StoreError::new(StoreErrorKind::Unavailable, "release")))
            }
            Release::IsNotAnswered => StoreFuture::new(pending()),
            Release::TakesLong(go_on, released) => StoreFuture::new(async move {
                go_on.notified().await;
                released.store(true, Ordering::SeqCst);
                Ok(LeaseStatus::Held)
            }),
        }
    }
}

fn engine(release: Release, patience: Duration) -> (Engine, Arc<Notify>) {
    let grant = Arc::<Notify>::default();
    let locks = TroubledLocks { grant: Arc::clone(&grant), release };
    let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(SystemClock::new()));
    (Engine::with_locks(store, clock, patience, Some(Arc::new(locks))), grant)
}

fn lock() -> ClaimRequest {
    let asked = ask(OnAbandoned::Retry);
    let claim = Claim { claimable: Claimable::InOrder, ..asked.claim };
    ClaimRequest { claim, wait: Duration::from_millis(50), ..asked }
}

/// Invariant L9.
#[tokio::test]
async fn a_service_that_does_not_answer_is_waited_for_no_longer_than_its_patience() {
    let (engine, _grant) = engine(Release::Fails, Duration::from_millis(50));
    let asked = lock();
    let begun = timeout(Duration::from_mins(1), engine.begin(&asked)).await.expect("an answer");
    assert_eq!(begun.unwrap_err().kind(), StoreErrorKind::Timeout);
}

/// No caller waits for the release for longer than the patience, and the release still goes on.
#[tokio::test]
async fn a_release_that_takes_long_goes_on_behind_its_caller() {
    for is_dropped in [false, true] {
        let (go_on, released) = (Arc::<Notify>::default(), Arc::<AtomicBool>::default());
        let release = Release::TakesLong(Arc::clone(&go_on), Arc::clone(&released));
        let (engine, grant) = engine(release, Duration::from_millis(50));
        grant.notify_one();
        let Admission::Run(run) = engine.begin(&lock()).await.unwrap() else { panic!("no run") };
        let ending = run.release();
        if is_dropped {
            drop(ending);
        } else {
            timeout(Duration::from_mins(1), ending).await.expect("its caller does not wait");
        }
        assert_eq!(engine.under_way(), 1, "it has not ended");
        go_on.notify_one();
        assert_eq!(engine.drain(Duration::from_mins(1), OnDrainTimeout::Leased).await, 0);
        assert!(released.load(Ordering::SeqCst), "it was cut off");
    }
}

/// A client that is told that the process ends sends its request to another one; the store has no fault.
#[tokio::test]
async fn a_lock_that_cannot_be_released_as_the_process_drains_is_no_error() {
    for (release, patience) in
        [(Release::Fails, PATIENCE), (Release::IsNotAnswered, Duration::from_millis(500))]
    {
        let (engine, grant) = engine(release.clone(), patience);
        let asked = ClaimRequest { wait: Duration::from_mins(1), ..lock() };
        let mut waiting = pin!(engine.begin(&asked));
        assert!(poll!(&mut waiting).is_pending());
        assert_eq!(engine.drain(Duration::ZERO, OnDrainTimeout::Leased).await, 1);
        grant.notify_one();
        let begun = timeout(Duration::from_mins(1), waiting).await.expect("an answer");
        let begun: Admission = begun.unwrap_or_else(|error| panic!("{release:?}: {error}"));
        assert_eq!(refused(&begun), Refusal::Draining, "{release:?}");
    }
}
