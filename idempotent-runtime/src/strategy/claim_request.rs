//! The choice of a request's strategy.

use crate::engine::{ClaimRequest, Refusal};
use crate::policy::{Identity, Policy};
use crate::strategy::settings::{RequestIdentity, Settings, addressed};
use crate::strategy::{lock, task, token};

/// The claim request for a request, or the reason why its key cannot be claimed.
pub(crate) fn claim_request(
    policy: &Policy,
    settings: &Settings,
    request: &RequestIdentity<'_>,
) -> Result<ClaimRequest, Refusal> {
    match policy.strategy.traits().identity {
        Identity::Route => {
            let address = request.address(settings);
            Ok(addressed(policy, settings, request.fingerprint, request.shown, &address))
        }
        Identity::Token => token::claim_request(policy, settings, request),
        Identity::Name => Ok(lock::claim_request(policy, settings, request)),
        Identity::Task => Ok(task::claim_request(policy, settings, request)),
    }
}
