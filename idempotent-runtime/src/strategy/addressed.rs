//! Claim requests for keys that an address names. Nothing more is needed where the client chooses the
//! key (draft-ietf-httpapi-idempotency-key-header).

#[cfg(feature = "actix")]
use crate::clock::Clock;
use crate::engine::{Claim, ClaimRequest, Claimable, ReclaimWindow};
use crate::fingerprint::Fingerprint;
#[cfg(feature = "actix")]
use crate::key::KeyParts;
use crate::key::{Address, StorageKey};
use crate::policy::Policy;
use crate::store::record::Label;
use crate::strategy::settings::Settings;

/// The parts of a request that tell it from others.
#[cfg(feature = "actix")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestIdentity<'a> {
    pub(crate) scope: &'a KeyParts,
    /// The guarded function, or the route that is guarded as a part of a scope.
    pub(crate) operation: &'a str,
    pub(crate) key: &'a KeyParts,
    /// Method and concrete path: one key on two paths, or with two methods, is two requests.
    pub(crate) route: (&'a str, &'a str),
    pub(crate) fingerprint: Fingerprint,
    /// The engine's clock.
    pub(crate) clock: &'a dyn Clock,
}

#[cfg(feature = "actix")]
impl<'a> RequestIdentity<'a> {
    /// The address of a request that its route and key name.
    pub(super) fn address(&self, settings: &'a Settings) -> Address<'a> {
        Address {
            namespace: &settings.namespace,
            scope: self.scope,
            operation: self.operation,
            route: Some(self.route),
            key: self.key,
        }
    }
}

/// The claim request for a key that is found by an address.
pub(super) fn addressed(
    policy: &Policy,
    settings: &Settings,
    fingerprint: Fingerprint,
    address: &Address<'_>,
) -> ClaimRequest {
    let label = Label::new(address.operation, &address.key.label());
    common(policy, settings, StorageKey::of(address), label, fingerprint)
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
    use crate::policy::Strategy;
    use std::time::Duration;

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
