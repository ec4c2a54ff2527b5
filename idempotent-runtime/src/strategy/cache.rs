//! A safe read, computed once for each key, scope and ttl.

use crate::engine::cached::AnswerLife;
use crate::engine::{ClaimRequest, IfForgotten, ReclaimWindow};
use crate::fingerprint::Fingerprint;
use crate::key::{Address, Guard, KeyParts, StorageKey};
use crate::policy::{OnAbandoned, OnDuplicate, OnInFlight, Policy};
use crate::strategy::settings::{RequestIdentity, Settings, common, label};
use std::time::Duration;

/// The claim requests of a read.
#[derive(Debug)]
pub(crate) struct CacheRequests {
    /// The claim of the answer's record, for a reader that finds no answer.
    pub(crate) first: ClaimRequest,
    /// The claim of the right to compute the answer again, while others read the old one.
    pub(crate) again: ClaimRequest,
    /// The times for which the answer may be read.
    pub(crate) life: AnswerLife,
}

/// The claim requests of a read, and the life of its answer.
pub(crate) fn requests(
    policy: &Policy,
    settings: &Settings,
    read: &RequestIdentity<'_>,
) -> CacheRequests {
    let fresh = settings.ttl(policy);
    let owner = read.operation.map_or(AnswerOwner::Pattern(read.route.1), AnswerOwner::Operation);
    let key = answer_key(settings, read.scope, owner, read.key);
    let mut first = request(policy, settings, read, key);
    first.rules.on_in_flight = OnInFlight::Wait;
    let mut again = request(policy, settings, read, key.beside("renewal"));
    // Its record is needed only while a request computes.
    again.reclaim = ReclaimWindow::For(Duration::from_millis(1));
    CacheRequests {
        first,
        again,
        life: AnswerLife { fresh, stale: policy.stale.unwrap_or_default() },
    }
}

fn request(
    policy: &Policy,
    settings: &Settings,
    read: &RequestIdentity<'_>,
    key: StorageKey,
) -> ClaimRequest {
    let label = label(settings, &key, Guard::Cache, read.shown, read.key);
    let mut request = common(policy, settings, key, label, Fingerprint::NONE);
    // The lease does not depend on how long the answer may be read.
    request.claim.lease = policy.lease.unwrap_or(settings.lease);
    // A person or the app may have forgotten the answer, and it can be computed again.
    request.claim.if_forgotten = IfForgotten::Lost;
    request.rules.on_duplicate = OnDuplicate::Replay;
    request.rules.on_in_flight = OnInFlight::Reject;
    request.rules.on_abandoned = OnAbandoned::Retry;
    request
}

/// The operation or route to which an answer belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AnswerOwner<'a> {
    /// A named operation. The literal text of the key does not count, so that code can name an answer by the
    /// values alone.
    Operation(&'a str),
    /// The pattern of a route. The literal text of the key counts.
    Pattern(&'a str),
}

/// The key of an answer.
pub(crate) fn answer_key(
    settings: &Settings,
    scope: &KeyParts,
    owner: AnswerOwner<'_>,
    key: &KeyParts,
) -> StorageKey {
    let values;
    let (route, operation, key) = match owner {
        AnswerOwner::Pattern(pattern) => (Some(("", pattern)), None, key),
        AnswerOwner::Operation(name) => {
            values = key.values();
            (None, Some(name), &values)
        }
    };
    let namespace = &settings.namespace;
    StorageKey::of(&Address { namespace, guard: Guard::Cache, scope, route, operation, key })
}
