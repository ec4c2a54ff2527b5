//! What differs between the strategies, and only that: from a key to what the engine is asked.

#[cfg(feature = "actix")]
mod cache;
#[cfg(feature = "actix")]
mod lock;
pub(crate) mod message;
#[cfg(feature = "actix")]
mod request_id;
#[cfg(feature = "actix")]
pub(crate) mod task;
#[cfg(feature = "actix")]
mod token;

#[cfg(feature = "actix")]
pub(crate) use cache::{Read, place, read};
#[cfg(feature = "actix")]
pub use lock::{Lock, LockError, LockGuard};
#[cfg(feature = "actix")]
pub(crate) use token::{TokenSecrets, issue};

#[cfg(feature = "actix")]
use crate::clock::Clock;
use crate::engine::claim::{Claim, Claimable};
#[cfg(feature = "actix")]
use crate::engine::decide::Refusal;
use crate::engine::{ClaimRequest, ReclaimWindow};
use crate::fingerprint::Fingerprint;
#[cfg(feature = "actix")]
use crate::key::KeyParts;
use crate::key::{Address, StorageKey};
use crate::policy::Policy;
#[cfg(feature = "actix")]
use crate::policy::Strategy;
use crate::store::record::Label;
use std::time::Duration;

/// What an app sets for all its guarded functions.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Keeps deployments apart that share a store.
    pub(crate) namespace: String,
    /// How long a finished request is remembered.
    pub(crate) ttl: Duration,
    /// How long a run excludes others without being renewed.
    pub(crate) lease: Duration,
    /// How long a duplicate waits for the first to finish.
    pub(crate) wait: Duration,
    #[cfg(feature = "actix")]
    /// How long a token can be used.
    pub(crate) token_ttl: Duration,
    #[cfg(feature = "actix")]
    /// What signs tokens; without, they are stored.
    pub(crate) secrets: Option<TokenSecrets>,
    #[cfg(feature = "actix")]
    /// How many tasks a runner of this process works on at a time.
    pub(crate) tasks_at_once: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            namespace: String::new(),
            ttl: Duration::from_hours(24),
            lease: Duration::from_mins(1),
            wait: Duration::from_secs(10),
            #[cfg(feature = "actix")]
            token_ttl: Duration::from_mins(5),
            #[cfg(feature = "actix")]
            secrets: None,
            #[cfg(feature = "actix")]
            tasks_at_once: 16,
        }
    }
}

impl Settings {
    /// How long a finished request of this policy is remembered.
    pub(crate) fn ttl(&self, policy: &Policy) -> Duration {
        let ttl = policy.ttl.unwrap_or(self.ttl);
        #[cfg(feature = "actix")]
        if policy.strategy == Strategy::Token && self.secrets.is_some() {
            // A signed token is valid for as long as its text says. Were its record shorter lived,
            // it could be used again.
            return ttl.max(self.token_ttl + token::SKEW);
        }
        ttl
    }
}

#[cfg(feature = "actix")]
/// A request, read: whose it is, which, and what it must repeat.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading<'a> {
    pub(crate) scope: &'a KeyParts,
    /// The guarded function, or the route that is guarded as a part of a scope.
    pub(crate) operation: &'a str,
    pub(crate) key: &'a KeyParts,
    pub(crate) route: (&'a str, &'a str),
    pub(crate) fingerprint: Fingerprint,
    /// The engine's clock.
    pub(crate) clock: &'a dyn Clock,
}

#[cfg(feature = "actix")]
/// What the engine is asked for this request, or why it is not asked at all.
pub(crate) fn ask(
    policy: &Policy,
    settings: &Settings,
    reading: &Reading<'_>,
) -> Result<ClaimRequest, Refusal> {
    match policy.strategy {
        // A function's calls do not come this way; as a request's, they would be told apart like this.
        Strategy::Message
        | Strategy::RequestId
        | Strategy::DedupTable
        | Strategy::RowLock
        | Strategy::Version
        | Strategy::State
        | Strategy::Unique
        // A read is asked by `cache::read`.
        | Strategy::Cache => Ok(request_id::ask(policy, settings, reading)),
        Strategy::Token => token::ask(policy, settings, reading),
        Strategy::Lock => Ok(lock::ask(policy, settings, reading)),
        Strategy::Async => Ok(task::ask(policy, settings, reading)),
    }
}

/// What strategies ask alike that are found by an address.
fn addressed(
    policy: &Policy,
    settings: &Settings,
    fingerprint: Fingerprint,
    address: &Address<'_>,
) -> ClaimRequest {
    let label = Label::new(address.operation, &address.key.label());
    common(policy, settings, StorageKey::of(address), label, fingerprint)
}

/// What all strategies ask alike.
fn common(
    policy: &Policy,
    settings: &Settings,
    key: StorageKey,
    label: Label,
    fingerprint: Fingerprint,
) -> ClaimRequest {
    let ttl = settings.ttl(policy);
    // One of the two may be the app's and the other the handler's. The lease yields: a record must
    // outlive a run, and a lease that is renewed may be short.
    let lease = policy.lease.unwrap_or(settings.lease).min(ttl / 2);
    ClaimRequest {
        claim: Claim { key, label, fingerprint, claimable: Claimable::Any, lease, retention: ttl },
        rules: policy.into(),
        wait: policy.wait.unwrap_or(settings.wait),
        reclaim: ReclaimWindow::For(ttl),
    }
}

#[cfg(all(test, feature = "actix"))]
mod tests {
    use super::*;

    #[test]
    fn a_lease_yields_to_the_life_of_its_record() {
        let policy = Policy::of_routes(Strategy::RequestId);
        let (ttl, lease) = (Duration::from_secs(10), Duration::from_mins(1));
        let settings = Settings { ttl, lease, ..Settings::default() };
        let (key, label) = (StorageKey::from_bytes([7; 32]), Label::new("", ""));
        let claim = common(&policy, &settings, key, label, Fingerprint::NONE).claim;
        assert_eq!((claim.lease, claim.retention), (ttl / 2, ttl));
    }
}
