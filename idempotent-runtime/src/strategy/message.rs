//! A message, job or call that is not a request: one key runs once.
//!
//! This is the idempotent consumer of the messaging literature. There is no route, so only the operation
//! counts; it defaults to the function's whole path.

use crate::engine::ClaimRequest;
use crate::fingerprint::Fingerprint;
use crate::key::{Address, Guard, KeyParts, StorageKey};
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
    let address = address(settings, scope, operation, key);
    addressed(policy, settings, fingerprint, operation, &address)
}

/// The key of the record of one call.
pub(super) fn storage_key(
    settings: &Settings,
    scope: &KeyParts,
    operation: &str,
    key: &KeyParts,
) -> StorageKey {
    StorageKey::of(&address(settings, scope, operation, key))
}

fn address<'a>(
    settings: &'a Settings,
    scope: &'a KeyParts,
    operation: &'a str,
    key: &'a KeyParts,
) -> Address<'a> {
    Address {
        namespace: &settings.namespace,
        guard: Guard::Message,
        scope,
        route: None,
        operation: Some(operation),
        key,
    }
}

/// The operation of a function: its name, or the function's whole path.
pub(crate) fn operation(policy: &Policy) -> &'static str {
    policy.operation.unwrap_or(policy.definition.path())
}
