//! A message, job or call that is no request: the same key runs once.
//!
//! (The idempotent consumer of the messaging literature.) Bound to the operation alone: there is no
//! route.

use crate::engine::ClaimRequest;
use crate::fingerprint::Fingerprint;
use crate::key::{Address, KeyParts};
use crate::policy::Policy;
use crate::strategy::settings::{Settings, addressed};

/// The claim request for one call of a function.
pub(crate) fn claim_request(
    policy: &Policy,
    settings: &Settings,
    scope: &KeyParts,
    key: &KeyParts,
    fingerprint: Fingerprint,
) -> ClaimRequest {
    let namespace = &settings.namespace;
    let address = Address { namespace, scope, operation: policy.operation, route: None, key };
    addressed(policy, settings, fingerprint, &address)
}
