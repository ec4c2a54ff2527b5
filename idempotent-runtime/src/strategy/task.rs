//! The request becomes a task with an address, and the task runs later: `strategy = "async"`.
//!
//! A task is found by its id in its caller's scope, so the id of another caller's task finds nothing. The id
//! is made from the same parts as the request's identity, so one key is one task.

use crate::engine::task::TaskScope;
use crate::engine::{Claim, ClaimRequest, Claimable, DuplicateRules, ReclaimWindow};
use crate::fingerprint::Fingerprint;
use crate::key::{Address, Guard, KeyParts, StorageKey};
use crate::policy::{OnDuplicate, OnInFlight, Policy};
use crate::store::Label;
use crate::store::record::Record;
use crate::strategy::settings::{RequestIdentity, Settings, common};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

/// The number of bytes of a hash in an id.
const ID: usize = 16;

/// The claim request for the task that this request becomes. The task's id is the key of its label.
pub(crate) fn claim_request(
    policy: &Policy,
    settings: &Settings,
    request: &RequestIdentity<'_>,
) -> ClaimRequest {
    let id = id(&StorageKey::of(&request.address(settings)));
    let label = Label::new(Guard::Task, request.shown, &id);
    let key = key(settings, request.scope, &id);
    of_a_task(common(policy, settings, key, label, request.fingerprint))
}

/// The id of the task that a request becomes. The request's route and key make this storage key.
pub(super) fn id(routed: &StorageKey) -> String {
    let id = routed.beside("task");
    BASE64_URL_SAFE_NO_PAD.encode(&id.as_bytes()[..ID])
}

/// The claim request for a task that is stored already.
pub(crate) fn resume(
    policy: &Policy,
    settings: &Settings,
    key: StorageKey,
    task: &Record,
) -> ClaimRequest {
    let mut request = common(policy, settings, key, task.label.clone(), Fingerprint::NONE);
    // The fingerprint that was stored.
    request.claim.fingerprint = task.fingerprint;
    of_a_task(request)
}

fn of_a_task(request: ClaimRequest) -> ClaimRequest {
    ClaimRequest {
        // After a run gave it back, a task is found for as long as one that ended.
        reclaim: ReclaimWindow::For(request.claim.retention),
        claim: Claim { claimable: Claimable::Issued, ..request.claim },
        rules: DuplicateRules {
            on_duplicate: OnDuplicate::Reject,
            on_in_flight: OnInFlight::Reject,
            on_abandoned: request.rules.on_abandoned,
        },
        wait: request.wait,
    }
}

/// The key of the record of the task with this id, if it is this caller's.
pub(crate) fn key(settings: &Settings, scope: &KeyParts, id: &str) -> StorageKey {
    StorageKey::of(&Address {
        namespace: &settings.namespace,
        guard: Guard::Task,
        scope,
        route: None,
        operation: None,
        key: &KeyParts::new().value(id),
    })
}

/// The scope in which the tasks of a caller count as unfinished.
pub(crate) fn share(settings: &Settings, scope: &KeyParts) -> TaskScope {
    let share = StorageKey::of(&Address {
        namespace: &settings.namespace,
        guard: Guard::Task,
        scope,
        route: None,
        operation: Some("share"),
        key: &KeyParts::new(),
    });
    share.as_bytes().first_chunk().copied().map_or(TaskScope::SHARED, TaskScope::from_bytes)
}
