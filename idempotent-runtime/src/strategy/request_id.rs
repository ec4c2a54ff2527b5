//! The client chooses the key: draft-ietf-httpapi-idempotency-key-header.
//!
//! Bound to the route: one key on two paths, or with two methods, is two requests.

use crate::engine::ClaimRequest;
use crate::key::Address;
use crate::policy::Policy;
use crate::strategy::{Reading, Settings, addressed};

pub(super) fn ask(policy: &Policy, settings: &Settings, reading: &Reading<'_>) -> ClaimRequest {
    let address = Address {
        namespace: &settings.namespace,
        scope: reading.scope,
        operation: reading.operation,
        route: Some(reading.route),
        key: reading.key,
    };
    addressed(policy, settings, reading.fingerprint, &address)
}
