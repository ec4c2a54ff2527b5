//! The request becomes a task with an address, and runs later: `strategy = "async"`.
//!
//! A task is found by its id within its caller's scope, so another caller's id leads nowhere; and
//! its id is decided by what tells the request from others, so one key is one task.

use crate::engine::ClaimRequest;
use crate::engine::claim::{Claim, Claimable};
use crate::engine::decide::Rules;
use crate::key::{Address, KeyParts, StorageKey};
use crate::policy::{OnDuplicate, OnInFlight, Policy};
use crate::store::record::{Label, Record};
use crate::strategy::{Reading, Settings, common, request_id};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

/// What stands for the operation in a task's address; handlers' names have no brackets.
const OPERATION: &str = "(task)";

/// How many bytes of a hash are an id.
const ID: usize = 16;

/// The claim of the task that this request is. Its id is the key of its label.
pub(super) fn ask(policy: &Policy, settings: &Settings, reading: &Reading<'_>) -> ClaimRequest {
    let request = request_id::ask(policy, settings, reading);
    let id = request.claim.key.beside("task");
    let id = BASE64_URL_SAFE_NO_PAD.encode(&id.as_bytes()[..ID]);
    let claim = Claim {
        key: key(settings, reading.scope, &id),
        label: Label::new(reading.operation, &id),
        ..request.claim
    };
    of_a_task(ClaimRequest { claim, ..request })
}

/// The claim of a task that was stored before.
pub(crate) fn resume(
    policy: &Policy,
    settings: &Settings,
    key: StorageKey,
    task: &Record,
) -> ClaimRequest {
    of_a_task(common(policy, settings, key, task.label.clone(), task.fingerprint))
}

fn of_a_task(ask: ClaimRequest) -> ClaimRequest {
    ClaimRequest {
        claim: Claim { claimable: Claimable::Issued, ..ask.claim },
        rules: Rules {
            on_duplicate: OnDuplicate::Reject,
            on_in_flight: OnInFlight::Reject,
            on_abandoned: ask.rules.on_abandoned,
        },
        ..ask
    }
}

/// Where the task of this id lives, if it is this caller's.
pub(crate) fn key(settings: &Settings, scope: &KeyParts, id: &str) -> StorageKey {
    StorageKey::of(&Address {
        namespace: &settings.namespace,
        scope,
        operation: OPERATION,
        route: None,
        key: &KeyParts::new().value(id),
    })
}
