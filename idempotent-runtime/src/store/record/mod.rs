//! Records: the values that the engine writes into a store.

#[cfg(feature = "actix")]
pub(crate) mod beside;
mod header_line;
mod layout;
mod origin;
mod owner;
pub(crate) mod sealed;
mod state;
mod summary;

pub use crate::store::bytes::Undecodable;
pub use origin::Origin;
pub use owner::Owner;
pub use state::State;
pub use summary::Summary;

use crate::fingerprint::Fingerprint;
use crate::key::StorageKey;
use crate::store::bytes::{
    CHECKSUM_LENGTH, append_checksum, number_size, verify_checksum, write_number,
};
use crate::store::label::Label;
use bytes::Bytes;
use layout::{BEFORE_LABEL, IDENTITY_PLACE, TAKEN_OVER, VERSION, VERSION_AND_TAG};

/// One record, the same for every backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// A number that grows with every claim of the key; the fence against owners that come back late.
    pub attempt: u64,
    /// The claim that made the record.
    pub origin: Origin,
    /// The fingerprint that a repeated request must have.
    pub fingerprint: Fingerprint,
    /// The readable parts of the key.
    pub label: Label,
    /// The state of the record.
    pub state: State,
}

impl Record {
    /// The record as bytes: version, state, fields with their lengths, checksum.
    ///
    /// The checksum covers the storage key. So a record that is copied to another key is refused like a
    /// damaged one. Equal records under one key have equal bytes.
    #[must_use]
    pub fn encode(&self, key: &StorageKey) -> Bytes {
        let Self { attempt, origin, fingerprint, label, state } = self;
        encode_parts(key, *attempt, *origin, fingerprint, label, state)
    }

    /// Reads a record. Bodies and headers share the memory of `bytes`.
    pub fn decode(key: &StorageKey, bytes: &Bytes) -> Result<Self, Undecodable> {
        let mut fields = verify_checksum(key, bytes)?;
        if fields.u8()? != VERSION {
            return Err(Undecodable);
        }
        let (tag, flags) = (fields.u8()?, fields.u8()?);
        let origin = Origin::decode(flags, &mut fields)?;
        let fingerprint = Fingerprint::from_bytes(fields.array()?);
        let (label, attempt) = (Label::decode(&mut fields)?, fields.number()?);
        let binding = || state::outcome_binding(key, attempt, &bytes[IDENTITY_PLACE]);
        let state = State::decode(tag, &mut fields, binding)?;
        fields.finish()?;
        Ok(Self { attempt, origin, fingerprint, label, state })
    }
}

/// Encodes a record from its parts, so that they need not be copied into a [`Record`] first.
pub(crate) fn encode_parts(
    key: &StorageKey,
    attempt: u64,
    origin: Origin,
    fingerprint: &Fingerprint,
    label: &Label,
    state: &State,
) -> Bytes {
    let (flags, claim) = ([origin.flags()], origin.bytes());
    let mut number = Vec::with_capacity(number_size(attempt));
    write_number(&mut number, attempt);
    let head = [&flags[..], &claim, fingerprint.as_bytes(), label.as_bytes(), &number];
    encode_head_and_state(key, &head, state)
}

/// Encodes the same record with another state, in the same attempt.
///
/// `head` is the [`head_length`] of the record's label and attempt.
pub(crate) fn with_state(key: &StorageKey, record: &[u8], head: usize, state: &State) -> Bytes {
    encode_head_and_state(key, &[&record[VERSION_AND_TAG..head]], state)
}

/// The same record, with the flag that others may have had the key meanwhile.
pub(crate) fn after_others(key: &StorageKey, record: &[u8]) -> Bytes {
    let mut out = record[..record.len() - CHECKSUM_LENGTH].to_vec();
    out[VERSION_AND_TAG] |= TAKEN_OVER;
    append_checksum(key, out)
}

/// The first byte of each value beside the record of a task: an input, a progress, a list. No record begins
/// with it.
pub(crate) const INPUT: u8 = b'i';
pub(crate) const PROGRESS: u8 = b'p';
pub(crate) const LIST: u8 = b'q';

/// Whether this is such a value, undamaged.
pub(crate) fn is_beside_a_task(key: &StorageKey, value: &Bytes) -> bool {
    matches!(value.first(), Some(&(INPUT | PROGRESS | LIST))) && verify_checksum(key, value).is_ok()
}

/// The number of bytes in a record before the fields of its state.
pub(crate) fn head_length(label: &Label, attempt: u64) -> usize {
    VERSION_AND_TAG + BEFORE_LABEL + label.as_bytes().len() + number_size(attempt)
}

fn encode_head_and_state(key: &StorageKey, head: &[&[u8]], state: &State) -> Bytes {
    let head_length: usize = head.iter().map(|part| part.len()).sum();
    // The exact length, so that the bytes are never moved.
    let length = VERSION_AND_TAG + head_length + state.size() + CHECKSUM_LENGTH;
    let mut out = Vec::with_capacity(length);
    out.extend_from_slice(&[VERSION, state.tag()]);
    for part in head {
        out.extend_from_slice(part);
    }
    state.encode(&mut out);
    debug_assert_eq!(out.len() + CHECKSUM_LENGTH, length, "the size of the state is right");
    append_checksum(key, out)
}

#[cfg(all(test, feature = "seal", feature = "actix"))]
mod sealed_tests;
#[cfg(test)]
mod tests;
