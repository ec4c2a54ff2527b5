//! A safe read, computed once for each key, scope and ttl.

use crate::engine::{ClaimRequest, Life, ReclaimWindow};
use crate::fingerprint::Fingerprint;
use crate::key::{Address, KeyParts, StorageKey};
use crate::policy::{OnAbandoned, OnDuplicate, OnInFlight, Policy};
use crate::store::record::Label;
use crate::strategy::{Reading, Settings, common};
use std::time::Duration;

/// Stand where other strategies have a method and a path: names that none has.
const ANSWER: (&str, &str) = ("cache", "answer");
const RENEWAL: (&str, &str) = ("cache", "renewal");

/// What the engine is asked for a read.
#[derive(Debug)]
pub(crate) struct Read {
    /// The answer's record, for whoever finds none.
    pub(crate) first: ClaimRequest,
    /// The right to compute it again while others read the old one.
    pub(crate) again: ClaimRequest,
    /// How long the answer is read.
    pub(crate) life: Life,
}

pub(crate) fn read(policy: &Policy, settings: &Settings, reading: &Reading<'_>) -> Read {
    let fresh = settings.ttl(policy);
    let mut first = asked(policy, settings, reading, ANSWER);
    first.rules.on_in_flight = OnInFlight::Wait;
    let mut again = asked(policy, settings, reading, RENEWAL);
    // Nothing is ever found there but somebody who is at it.
    again.reclaim = ReclaimWindow::For(Duration::from_millis(1));
    Read { first, again, life: Life { fresh, stale: policy.stale.unwrap_or_default() } }
}

fn asked(
    policy: &Policy,
    settings: &Settings,
    reading: &Reading<'_>,
    route: (&str, &str),
) -> ClaimRequest {
    let values = reading.key.values();
    let address = Address {
        namespace: &settings.namespace,
        scope: reading.scope,
        operation: reading.operation,
        route: Some(route),
        key: &values,
    };
    let label = Label::new(reading.operation, &reading.key.label());
    let mut ask = common(policy, settings, StorageKey::of(&address), label, Fingerprint::NONE);
    // How long computing takes has nothing to do with how long its answer is read.
    ask.claim.lease = policy.lease.unwrap_or(settings.lease);
    ask.rules.on_duplicate = OnDuplicate::Replay;
    ask.rules.on_in_flight = OnInFlight::Reject;
    ask.rules.on_abandoned = OnAbandoned::Retry;
    ask
}

/// Where the answer of an operation is kept: its literal text does not count, so that code can name
/// it by the values alone.
pub(crate) fn place(
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
