//! Seals the content of records on its way into the store, and opens it on its way out, only here. (`beside`
//! does the same for values beside records.)

use crate::error::{StoreError, StoreErrorKind};
use crate::key::{Guard, StorageKey};
use crate::outcome::Outcome;
use crate::seal::{Seal, SealBinding, Sealed, Unopened};
use crate::store::bytes::{FieldReader, Undecodable};
use crate::store::label::{Label, SEALED_LABEL};
use crate::store::record::layout::{CUT_RESPONSE, IDENTITY_PLACE, RESPONSE, VALUE};
use crate::store::record::state::{State, outcome_binding};
use crate::store::record::{Record, with_state};
use bytes::Bytes;

/// The kind of a sealed label.
const LABEL: u8 = b'l';

/// The state of a finished run, with a sealed outcome if there are keys.
///
/// If the system has no random bytes, nothing can be sealed, and only the fact that it ran is kept.
fn state_of(seal: &Seal, binding: SealBinding, outcome: Outcome) -> State {
    let state = State::Completed(outcome);
    if state.size() == 0 {
        return state;
    }
    let write = |out: &mut Vec<u8>| {
        out.push(state.tag());
        state.encode(out);
    };
    match seal.close(binding, 1 + state.size(), write) {
        Ok(None) => state,
        Ok(Some(sealed)) => State::Completed(Outcome::Sealed(Box::new(sealed))),
        Err(error) => {
            tracing::error!(%error, "an outcome is not sealed, so only that it ran is stored");
            State::Completed(Outcome::Tombstone)
        }
    }
}

/// The same record with this outcome.
pub(crate) fn completed(seal: &Seal, key: &StorageKey, record: Record, outcome: Outcome) -> Record {
    let Record { origin, fingerprint, attempt, .. } = &record;
    let identity = [&origin.definition.as_bytes()[..], fingerprint.as_bytes()].concat();
    let binding = outcome_binding(key, *attempt, &identity);
    Record { state: state_of(seal, binding, outcome), ..record }
}

/// The bytes of the same record with this outcome, in the same attempt.
pub(crate) fn with_outcome(
    seal: &Seal,
    key: &StorageKey,
    (record, attempt): (&[u8], u64),
    head: usize,
    outcome: Outcome,
) -> Bytes {
    let binding = outcome_binding(key, attempt, &record[IDENTITY_PLACE]);
    with_state(key, record, head, &state_of(seal, binding, outcome))
}

/// An outcome, opened.
///
/// # Errors
/// When it does not open, or must be sealed and is not.
pub(crate) fn opened(
    seal: &Seal,
    outcome: Outcome,
    operation: &'static str,
) -> Result<Outcome, StoreError> {
    match outcome {
        Outcome::Sealed(sealed) => {
            let content = seal.open(&sealed);
            let outcome = content.and_then(|content| read(content, sealed.binding));
            outcome.map_err(|why| unopened(operation, why))
        }
        Outcome::Tombstone => Ok(outcome),
        _ if seal.accepts_unsealed() => Ok(outcome),
        _ => Err(unopened(operation, Unopened::NotSealed)),
    }
}

fn read(content: Bytes, binding: SealBinding) -> Result<Outcome, Unopened> {
    let mut fields = FieldReader::new(content);
    let tag = fields.u8().map_err(|Undecodable| Unopened::Damaged)?;
    if !matches!(tag, RESPONSE | CUT_RESPONSE | VALUE) {
        return Err(Unopened::Damaged);
    }
    let state = State::decode(tag, &mut fields, || binding);
    match state.and_then(|state| fields.finish().map(|()| state)) {
        Ok(State::Completed(outcome)) => Ok(outcome),
        _ => Err(Unopened::Damaged),
    }
}

/// The label of this key. Its text is sealed if the app wants that.
pub(crate) fn labelled(
    seal: &Seal,
    key: &StorageKey,
    guard: Guard,
    operation: &str,
    text: &str,
) -> Label {
    if !seal.has_labels() || text.is_empty() {
        return Label::new(guard, operation, text);
    }
    let write = |out: &mut Vec<u8>| out.extend_from_slice(text.as_bytes());
    match seal.close(of_label(key, guard), text.len(), write) {
        Ok(Some(sealed)) => Label::sealed(guard, operation, &sealed.bytes),
        Ok(None) => Label::new(guard, operation, text),
        Err(_) => Label::new(guard, operation, SEALED_LABEL),
    }
}

/// The text of a sealed label; `None` if it does not open or is not sealed.
pub(crate) fn opened_label(seal: &Seal, key: &StorageKey, label: &Label) -> Option<String> {
    let sealed = Sealed { binding: of_label(key, label.guard()), bytes: label.sealed_key()? };
    String::from_utf8(seal.open(&sealed).ok()?.into()).ok()
}

fn of_label(key: &StorageKey, guard: Guard) -> SealBinding {
    SealBinding::new(LABEL, key.as_bytes(), &[&guard.as_bytes()])
}

pub(super) fn unopened(operation: &'static str, why: Unopened) -> StoreError {
    StoreError::new(StoreErrorKind::Unopened, operation).because(why)
}
