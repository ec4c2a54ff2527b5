//! A message, job or call that is no request: the same key runs once.
//!
//! (The idempotent consumer of the messaging literature.) Bound to the operation alone, by default
//! the function's whole path: there is no route.

use crate::engine::ClaimRequest;
use crate::fingerprint::Fingerprint;
use crate::key::{Address, Guard, KeyParts};
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
    let operation = operation(policy);
    let address = Address {
        namespace: &settings.namespace,
        guard: Guard::Message,
        scope,
        route: None,
        operation: Some(operation),
        key,
    };
    addressed(policy, settings, fingerprint, operation, &address)
}

/// The operation of a function: its name, or the function's whole path.
pub(crate) fn operation(policy: &Policy) -> &'static str {
    policy.operation.unwrap_or(policy.definition.path())
}
