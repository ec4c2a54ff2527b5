//! A safe read, computed once for each key, scope and ttl.

use crate::engine::cached::AnswerLife;
use crate::engine::{ClaimRequest, ReclaimWindow};
use crate::fingerprint::Fingerprint;
use crate::key::{Address, KeyParts, StorageKey};
use crate::policy::{OnAbandoned, OnDuplicate, OnInFlight, Policy};
use crate::store::Label;
use crate::strategy::settings::{RequestIdentity, Settings, common};
use std::time::Duration;

/// Stand where other strategies have a method and a path: names that none has.
const ANSWER: (&str, &str) = ("cache", "answer");
const RENEWAL: (&str, &str) = ("cache", "renewal");

/// The claim requests of a read.
#[derive(Debug)]
pub(crate) struct CacheRequests {
    /// The answer's record, for whoever finds none.
    pub(crate) first: ClaimRequest,
    /// The right to compute it again while others read the old one.
    pub(crate) again: ClaimRequest,
    /// How long the answer is read.
    pub(crate) life: AnswerLife,
}

/// The claim requests of a read, and the life of its answer.
pub(crate) fn requests(
    policy: &Policy,
    settings: &Settings,
    read: &RequestIdentity<'_>,
) -> CacheRequests {
    let fresh = settings.ttl(policy);
    let mut first = request(policy, settings, read, ANSWER);
    first.rules.on_in_flight = OnInFlight::Wait;
    let mut again = request(policy, settings, read, RENEWAL);
    // Its record is only ever found while somebody computes.
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
    route: (&str, &str),
) -> ClaimRequest {
    let values = read.key.values();
    let address = Address {
        namespace: &settings.namespace,
        scope: read.scope,
        operation: read.operation,
        route: Some(route),
        key: &values,
    };
    let label = Label::new(read.operation, &read.key.label());
    let mut request = common(policy, settings, StorageKey::of(&address), label, Fingerprint::NONE);
    // How long computing takes has nothing to do with how long its answer is read.
    request.claim.lease = policy.lease.unwrap_or(settings.lease);
    request.rules.on_duplicate = OnDuplicate::Replay;
    request.rules.on_in_flight = OnInFlight::Reject;
    request.rules.on_abandoned = OnAbandoned::Retry;
    request
}

/// Where the answer of an operation is kept: its literal text does not count, so that code can name
/// it by the values alone.
pub(crate) fn answer_key(
    settings: &Settings,
    scope: &KeyParts,
    operation: &str,
    values: &KeyParts,
) -> StorageKey {
    StorageKey::of(&Address {
        namespace: &settings.namespace,
        scope,
        operation,
        route: Some(ANSWER),
        key: values,
    })
}
