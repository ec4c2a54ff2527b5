//! Settings of an app, and the claim requests that are made from them and a policy.

#[cfg(feature = "actix")]
use crate::clock::Clock;
#[cfg(feature = "actix")]
use crate::engine::task::TaskLimits;
use crate::engine::{Claim, ClaimRequest, Claimable, IfForgotten, ReclaimWindow};
use crate::fingerprint::Fingerprint;
#[cfg(feature = "actix")]
use crate::key::HostRole;
use crate::key::{Address, Guard, KeyParts, Namespace, StorageKey};
use crate::policy::Policy;
#[cfg(feature = "actix")]
use crate::policy::{CLOCK_SKEW, Strategy};
use crate::seal::Seal;
use crate::store::Label;
use crate::store::record::sealed;
#[cfg(feature = "actix")]
use std::fmt;
use std::time::Duration;

/// Settings of an app for all its guarded functions.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Keeps apart deployments that share a store.
    pub(crate) namespace: Namespace,
    /// The keys that seal records.
    pub(crate) seal: Seal,
    /// The time for which a finished request is remembered.
    pub(crate) ttl: Duration,
    /// The time for which a run excludes others unless its lease is renewed.
    pub(crate) lease: Duration,
    /// The longest wait of a duplicate for the end of the first request.
    pub(crate) wait: Duration,
    #[cfg(feature = "actix")]
    /// Whether the host of a request is a part of its identity.
    pub(crate) host_role: HostRole,
    #[cfg(feature = "actix")]
    /// The time for which a token can be used.
    pub(crate) token_ttl: Duration,
    #[cfg(feature = "actix")]
    /// The secrets that sign tokens. Without them, tokens are stored.
    pub(crate) secrets: Option<TokenSecrets>,
    #[cfg(feature = "actix")]
    /// The number of tasks that a runner of this process works on at a time.
    pub(crate) tasks_at_once: usize,
    #[cfg(feature = "actix")]
    /// The most tasks that may be unfinished.
    pub(crate) tasks: TaskLimits,
}

/// The secret that signs tokens now, and the one whose tokens are still accepted.
#[cfg(feature = "actix")]
#[derive(Clone)]
pub(crate) struct TokenSecrets {
    pub(crate) current: Vec<u8>,
    pub(crate) previous: Option<Vec<u8>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            namespace: Namespace::default(),
            seal: Seal::default(),
            ttl: Duration::from_hours(24),
            lease: Duration::from_mins(1),
            wait: Duration::from_secs(10),
            #[cfg(feature = "actix")]
            host_role: HostRole::default(),
            #[cfg(feature = "actix")]
            token_ttl: Duration::from_mins(5),
            #[cfg(feature = "actix")]
            secrets: None,
            #[cfg(feature = "actix")]
            tasks_at_once: 16,
            #[cfg(feature = "actix")]
            tasks: TaskLimits { total: 4096, of_scope: 256 },
        }
    }
}

impl Settings {
    /// The time for which a finished request of this policy is remembered.
    pub(crate) fn ttl(&self, policy: &Policy) -> Duration {
        let ttl = policy.ttl.unwrap_or(self.ttl);
        #[cfg(feature = "actix")]
        if policy.strategy == Strategy::Token && self.secrets.is_some() {
            // A signed token is valid as long as its text says. If its record lived shorter, the token could
            // be used twice.
            return ttl.max(self.token_ttl + CLOCK_SKEW);
        }
        ttl
    }
}

#[cfg(feature = "actix")]
impl fmt::Debug for TokenSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenSecrets(…)")
    }
}

/// The parts of a request that tell it from others.
#[cfg(feature = "actix")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestIdentity<'a> {
    /// The guard that keeps the record.
    pub(crate) guard: Guard,
    pub(crate) scope: &'a KeyParts,
    /// Method and concrete path: one key on two paths, or with two methods, is two requests.
    pub(crate) route: (&'a str, &'a str),
    /// The operation, if it is named.
    pub(crate) operation: Option<&'a str>,
    /// The operation, as people see it.
    pub(crate) shown: &'a str,
    pub(crate) key: &'a KeyParts,
    pub(crate) fingerprint: Fingerprint,
    /// The engine's clock.
    pub(crate) clock: &'a dyn Clock,
}

#[cfg(feature = "actix")]
impl<'a> RequestIdentity<'a> {
    /// The address of a request that is identified by its route and key.
    pub(super) fn address(&self, settings: &'a Settings) -> Address<'a> {
        Address {
            namespace: &settings.namespace,
            guard: self.guard,
            scope: self.scope,
            route: Some(self.route),
            operation: self.operation,
            key: self.key,
        }
    }
}

/// The claim request for a key that is found by its route.
#[cfg(feature = "actix")]
pub(crate) fn by_route(
    policy: &Policy,
    settings: &Settings,
    request: &RequestIdentity<'_>,
) -> ClaimRequest {
    addressed(policy, settings, request.fingerprint, request.shown, &request.address(settings))
}

/// The claim request for a key that is found by an address.
pub(super) fn addressed(
    policy: &Policy,
    settings: &Settings,
    fingerprint: Fingerprint,
    shown: &str,
    address: &Address<'_>,
) -> ClaimRequest {
    let key = StorageKey::of(address);
    let label = label(settings, &key, address.guard, shown, address.key);
    common(policy, settings, key, label, fingerprint)
}

/// The label of the record under this key, sealed if the app wants that.
///
/// Labels of tokens and tasks hold nothing from a request, and are made without this.
pub(super) fn label(
    settings: &Settings,
    key: &StorageKey,
    guard: Guard,
    shown: &str,
    text: &KeyParts,
) -> Label {
    sealed::labelled(&settings.seal, key, guard, shown, &text.label())
}

/// The parts of a claim request that all strategies share.
pub(super) fn common(
    policy: &Policy,
    settings: &Settings,
    key: StorageKey,
    label: Label,
    fingerprint: Fingerprint,
) -> ClaimRequest {
    let ttl = settings.ttl(policy);
    // One of the two may be the app's and the other the handler's. The lease is made shorter, since a record
    // must outlive a run, and a lease that is renewed may be short.
    let lease = policy.lease.unwrap_or(settings.lease).min(ttl / 2);
    ClaimRequest {
        claim: Claim {
            key,
            label,
            definition: policy.definition.id(),
            fingerprint: fingerprint.in_namespace(&settings.namespace),
            claimable: Claimable::Any,
            lease,
            retention: ttl,
            if_forgotten: IfForgotten::PutAgain,
        },
        rules: policy.into(),
        wait: policy.wait.unwrap_or(settings.wait),
        reclaim: ReclaimWindow::Briefly(ttl),
    }
}

#[cfg(all(test, feature = "actix"))]
mod tests {
    use super::*;
    use crate::policy::Strategy;

    #[test]
    fn a_lease_is_cut_to_half_the_life_of_its_record() {
        let policy = Policy::of_routes(Strategy::RequestId);
        let (ttl, lease) = (Duration::from_secs(10), Duration::from_mins(1));
        let settings = Settings { ttl, lease, ..Settings::default() };
        let (key, label) = (StorageKey::from_bytes([7; 32]), Label::new(Guard::Handler, "", ""));
        let claim = common(&policy, &settings, key, label, Fingerprint::NONE).claim;
        assert_eq!((claim.lease, claim.retention), (ttl / 2, ttl));
    }
}
