//! Mutual exclusion on a named resource while a handler runs. Nothing is stored afterwards.
//!
//! Only lock names are global, unless the handler sets `scope`: two accounts that use one resource must not
//! do so at the same time.

use crate::engine::{
    Admission, Claim, ClaimRequest, Claimable, Detached, DuplicateRules, Engine, Execution,
    IfForgotten, ReclaimWindow, Refusal,
};
use crate::error::StoreError;
use crate::fingerprint::Fingerprint;
use crate::key::{Address, Guard, KeyParts, StorageKey};
use crate::policy::{
    DefinitionId, OnAbandoned, OnDuplicate, OnInFlight, Policy, at_most_longest,
    lease_within_bounds,
};
use crate::strategy::settings::{RequestIdentity, Settings, label};
use std::time::Duration;

/// The operation in the records of locks. Names of handlers have no brackets.
const OPERATION: &str = "(lock)";

/// The claim request of a handler that holds a lock.
pub(crate) fn claim_request(
    policy: &Policy,
    settings: &Settings,
    request: &RequestIdentity<'_>,
) -> ClaimRequest {
    let lease = policy.lease.unwrap_or(settings.lease);
    let wait = policy.wait.unwrap_or(settings.wait);
    lock_request(settings, request.scope, request.key, lease, wait)
}

fn lock_request(
    settings: &Settings,
    scope: &KeyParts,
    name: &KeyParts,
    lease: Duration,
    wait: Duration,
) -> ClaimRequest {
    let key = lock_key(settings, scope, name);
    ClaimRequest {
        claim: Claim {
            key,
            label: label(settings, &key, Guard::Lock, OPERATION, name),
            definition: DefinitionId::NONE,
            fingerprint: Fingerprint::NONE,
            claimable: Claimable::InOrder,
            lease,
            retention: settings.ttl.max(lease),
            // Others may hold it by now.
            if_forgotten: IfForgotten::Lost,
        },
        rules: DuplicateRules {
            on_duplicate: OnDuplicate::Reject,
            on_in_flight: OnInFlight::Wait,
            on_abandoned: OnAbandoned::Retry,
        },
        wait,
        reclaim: ReclaimWindow::Briefly(settings.ttl.max(lease)),
    }
}

/// The key of the record of a lock.
pub(super) fn lock_key(settings: &Settings, scope: &KeyParts, name: &KeyParts) -> StorageKey {
    // Only the text counts, so that a handler's template and a name in code can be the same lock. If two
    // names have the same text, they exclude each other without need, but never the reverse.
    StorageKey::of(&Address {
        namespace: &settings.namespace,
        guard: Guard::Lock,
        scope,
        route: None,
        operation: None,
        key: &KeyParts::new().value(&name.whole()),
    })
}

/// A lock that is not acquired yet: `idempotency.lock("nightly report")`.
#[derive(Debug)]
#[must_use = "nothing is locked before `acquire`"]
pub struct Lock<'a> {
    engine: &'a Engine,
    settings: &'a Settings,
    name: &'a str,
    lease: Duration,
    wait: Duration,
}

/// A lock that is held. If it is dropped without `release`, it is released in the background.
#[derive(Debug)]
#[must_use = "a lock that is dropped at once excludes nobody"]
pub struct LockGuard(Option<Execution>);

/// The reason why a lock was not acquired.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Others held it for as long as this call could wait.
    #[error("the lock `{name}` was not free within {wait:?}: try later, or wait longer")]
    Locked {
        /// The lock's name.
        name: String,
        /// The time that the call waited.
        wait: Duration,
    },
    /// The process drains, and takes no new work.
    #[error("the lock `{name}` was not acquired: the process is about to end")]
    Draining {
        /// The lock's name.
        name: String,
    },
    /// The store did not answer. Nobody knows whether the lock is free.
    #[error("the lock's store failed")]
    Store(#[from] StoreError),
}

impl<'a> Lock<'a> {
    pub(crate) fn new(engine: &'a Engine, settings: &'a Settings, name: &'a str) -> Self {
        Self { engine, settings, name, lease: settings.lease, wait: settings.wait }
    }

    /// Sets how long the lock excludes others after its holder has died. Defaults to the app's lease, one minute.
    ///
    /// While the holder lives, the lease is renewed. It is 100 milliseconds at least, and ten years at most.
    pub const fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease_within_bounds(lease);
        self
    }

    /// Sets how long to wait for others, at most ten years. Defaults to the app's wait, 10 seconds.
    pub const fn wait(mut self, wait: Duration) -> Self {
        self.wait = at_most_longest(wait);
        self
    }

    /// Waits for the lock and takes it. If the future is dropped, it leaves the queue and holds nothing.
    ///
    /// # Errors
    /// When others held the lock too long, the store failed, or the process drains.
    pub async fn acquire(self) -> Result<LockGuard, LockError> {
        let name = KeyParts::new().value(self.name);
        let global = KeyParts::new();
        let request = lock_request(self.settings, &global, &name, self.lease, self.wait);
        match self.engine.begin(&request).await? {
            Admission::Run(run) => Ok(LockGuard(Some(run))),
            Admission::Refused(Refusal::Draining) => {
                Err(LockError::Draining { name: self.name.to_owned() })
            }
            Admission::Refused(_) | Admission::Replay(_) => {
                Err(LockError::Locked { name: self.name.to_owned(), wait: self.wait })
            }
        }
    }
}

impl LockGuard {
    /// The fence: a number that grows with every holder of this lock's name.
    ///
    /// Give it to whatever the lock protects, and have that refuse smaller ones: the only way to
    /// stop a holder that slept longer than its lease.
    #[must_use]
    pub fn attempt(&self) -> u64 {
        self.0.as_ref().map_or(0, Execution::attempt)
    }

    /// Whether it is certain that nobody else holds the lock by now.
    ///
    /// It is not certain any more when the lease is lost or could not be renewed in time, also because the
    /// host was suspended, or when the session of the lock is broken.
    #[must_use]
    pub fn is_certain(&self) -> bool {
        self.0.as_ref().is_some_and(Execution::is_certain)
    }

    /// Releases the lock, and is done when the store knows. A store that does not answer is asked again in
    /// the background. If the future is dropped, the release goes on.
    pub async fn release(mut self) {
        if let Some(run) = self.0.take() {
            Detached::to_its_end(run.release()).await;
        }
    }
}

impl Drop for LockGuard {
    fn drop(&mut self) {
        if let Some(run) = self.0.take() {
            run.release_behind();
        }
    }
}
