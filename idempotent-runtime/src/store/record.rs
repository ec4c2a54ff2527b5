//! What a store holds under a key, and its bytes.

use crate::fingerprint::Fingerprint;
use crate::key::StorageKey;
use crate::outcome::{Outcome, StoredResponse};
use crate::store::checksum::{CHECKSUM, seal, unseal};
use crate::store::cursor::{Cursor, put_long};
use bytes::Bytes;
use std::fmt;
use std::time::Duration;

mod label;
mod summary;

pub use label::Label;
pub use summary::Summary;

/// The process that claims, by 128 random bits it made before it claimed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Owner([u8; 16]);

impl Owner {
    /// A new owner, from the thread's cryptographic generator.
    #[must_use]
    pub fn random() -> Self {
        Self(rand::random())
    }

    /// An owner with these bits, for tests.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::key::hex(f, &self.0[..4])?;
        f.write_str("…")
    }
}

/// One record, whatever the backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Grows with every claim of the key; the fence against owners that came back late.
    pub attempt: u64,
    /// What a repeated request must repeat.
    pub fingerprint: Fingerprint,
    /// The readable parts of the key.
    pub label: Label,
    /// Where in its life the record is.
    pub state: State,
}

/// Where in its life a record is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// May be claimed: a token that waits for its use, or a key that was given back.
    Issued,
    /// Somebody runs, or died running.
    InProgress {
        /// Who may complete, renew or release it.
        owner: Owner,
        /// How often the lease was renewed; makes every renewal a new value.
        renewals: u32,
        /// How long the record stays after its lease is over.
        retention: Duration,
    },
    /// It ran.
    Completed(Outcome),
    /// It was called off before it ran, and never will.
    Cancelled,
}

const VERSION: u8 = 1;
const ISSUED: u8 = 0;
const IN_PROGRESS: u8 = 1;
const RESPONSE: u8 = 2;
const TOMBSTONE: u8 = 3;
const VALUE: u8 = 4;
const CANCELLED: u8 = 5;
const ATTEMPT_AND_FINGERPRINT: usize = 8 + 32;

/// The bytes are no record, or belong under another key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undecodable;

impl fmt::Display for Undecodable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a record of this version under this key, or damaged")
    }
}

impl std::error::Error for Undecodable {}

impl Record {
    /// The record as bytes: version, state, fields with their lengths, checksum.
    ///
    /// The checksum covers the storage key, so a record that is copied under another key is
    /// refused like a damaged one. Equal records under one key have equal bytes.
    #[must_use]
    pub fn encode(&self, key: &StorageKey) -> Bytes {
        let Self { attempt, fingerprint, label, state } = self;
        first(key, *attempt, fingerprint, label, state)
    }

    /// Reads a record back; bodies and headers share the memory of `bytes`.
    pub fn decode(key: &StorageKey, bytes: &Bytes) -> Result<Self, Undecodable> {
        let mut cursor = unseal(key, bytes)?;
        if cursor.u8()? != VERSION {
            return Err(Undecodable);
        }
        let tag = cursor.u8()?;
        let record = Self {
            attempt: cursor.u64()?,
            fingerprint: Fingerprint::from_bytes(cursor.array()?),
            label: Label::take(&mut cursor)?,
            state: State::decode(tag, &mut cursor)?,
        };
        cursor.finish()?;
        Ok(record)
    }
}

/// The bytes of a record: of an attempt, what it repeats, and the readable parts of its key.
pub(crate) fn first(
    key: &StorageKey,
    attempt: u64,
    fingerprint: &Fingerprint,
    label: &Label,
    state: &State,
) -> Bytes {
    let head = [&attempt.to_le_bytes()[..], fingerprint.as_bytes(), label.as_bytes()];
    joined(key, &head, state)
}

/// The bytes of the record that follows this one in its attempt: all but the state stays.
///
/// `head` is [`head_length`] of its label.
pub(crate) fn next(key: &StorageKey, record: &[u8], head: usize, state: &State) -> Bytes {
    joined(key, &[&record[2..head]], state)
}

/// How much of a record stands before its state.
pub(crate) fn head_length(label: &Label) -> usize {
    2 + ATTEMPT_AND_FINGERPRINT + label.as_bytes().len()
}

fn joined(key: &StorageKey, head: &[&[u8]], state: &State) -> Bytes {
    let head_length: usize = head.iter().map(|part| part.len()).sum();
    // Exactly, so that they are never moved.
    let length = 2 + head_length + state.size() + CHECKSUM;
    let mut out = Vec::with_capacity(length);
    out.extend_from_slice(&[VERSION, state.tag()]);
    for part in head {
        out.extend_from_slice(part);
    }
    state.encode(&mut out);
    debug_assert_eq!(out.len() + CHECKSUM, length, "the state says its size");
    seal(key, out)
}

impl State {
    /// How many bytes `encode` writes.
    fn size(&self) -> usize {
        match self {
            Self::Issued | Self::Completed(Outcome::Tombstone) | Self::Cancelled => 0,
            Self::InProgress { .. } => 16 + 4 + 8,
            Self::Completed(Outcome::Response(response)) => {
                let line = |(name, value): &(Bytes, Bytes)| 8 + name.len() + value.len();
                let headers: usize = response.headers.iter().map(line).sum();
                2 + 4 + headers + 4 + response.body.len()
            }
            Self::Completed(Outcome::Value(value)) => 4 + value.len(),
        }
    }

    const fn tag(&self) -> u8 {
        match self {
            Self::Issued => ISSUED,
            Self::InProgress { .. } => IN_PROGRESS,
            Self::Completed(Outcome::Response(_)) => RESPONSE,
            Self::Completed(Outcome::Tombstone) => TOMBSTONE,
            Self::Completed(Outcome::Value(_)) => VALUE,
            Self::Cancelled => CANCELLED,
        }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Issued | Self::Completed(Outcome::Tombstone) | Self::Cancelled => {}
            Self::InProgress { owner, renewals, retention } => {
                out.extend_from_slice(&owner.0);
                out.extend_from_slice(&renewals.to_le_bytes());
                out.extend_from_slice(&crate::clock::millis(*retention).to_le_bytes());
            }
            Self::Completed(Outcome::Response(response)) => encode_response(response, out),
            Self::Completed(Outcome::Value(value)) => put_long(out, value),
        }
    }

    fn decode(tag: u8, cursor: &mut Cursor) -> Result<Self, Undecodable> {
        Ok(match tag {
            ISSUED => Self::Issued,
            IN_PROGRESS => Self::InProgress {
                owner: Owner(cursor.array()?),
                renewals: cursor.u32()?,
                retention: Duration::from_millis(cursor.u64()?),
            },
            RESPONSE => Self::Completed(Outcome::Response(decode_response(cursor)?)),
            TOMBSTONE => Self::Completed(Outcome::Tombstone),
            VALUE => Self::Completed(Outcome::Value(cursor.bytes()?)),
            CANCELLED => Self::Cancelled,
            _ => return Err(Undecodable),
        })
    }
}

fn encode_response(response: &StoredResponse, out: &mut Vec<u8>) {
    out.extend_from_slice(&response.status.to_le_bytes());
    out.extend_from_slice(&u32::try_from(response.headers.len()).unwrap_or(u32::MAX).to_le_bytes());
    for (name, value) in &response.headers {
        put_long(out, name);
        put_long(out, value);
    }
    put_long(out, &response.body);
}

fn decode_response(cursor: &mut Cursor) -> Result<StoredResponse, Undecodable> {
    let status = cursor.u16()?;
    if !(100..=999).contains(&status) {
        return Err(Undecodable);
    }
    let count = cursor.u32()?;
    // A line is at least its two lengths: no count makes this larger than the record allows.
    let at_most = cursor.left().len() / 8;
    let mut headers =
        Vec::with_capacity(usize::try_from(count).map_or(at_most, |count| count.min(at_most)));
    for _ in 0..count {
        headers.push((cursor.bytes()?, cursor.bytes()?));
    }
    Ok(StoredResponse { status, headers, body: cursor.bytes()? })
}

#[cfg(test)]
mod tests;
