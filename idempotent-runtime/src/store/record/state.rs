//! The states of a record, and their bytes.

use crate::key::StorageKey;
use crate::outcome::{Outcome, StoredResponse};
use crate::seal::{SealBinding, Sealed};
use crate::store::bytes::{
    FieldReader, Undecodable, field_size, number_size, write_field, write_number,
};
use crate::store::record::header_line;
use crate::store::record::layout::{
    CANCELLED, CUT_RESPONSE, IN_PROGRESS, ISSUED, RESPONSE, SEALED, TOMBSTONE, VALUE,
};
use crate::store::record::owner::Owner;
use bytes::Bytes;
use std::time::Duration;

/// The kind of a sealed outcome. Labels and values beside records have other kinds.
const OUTCOME: u8 = b'o';

/// The binding of an outcome: the key and the attempt of its record, the function that claimed, and the
/// fingerprint.
pub(super) fn outcome_binding(key: &StorageKey, attempt: u64, identity: &[u8]) -> SealBinding {
    SealBinding::new(OUTCOME, key.as_bytes(), &[&attempt.to_le_bytes(), identity])
}

/// The state of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// It may be claimed: a token that was not used yet, or a key that was released.
    Issued,
    /// An owner runs, or died during its run.
    InProgress {
        /// The only owner that may complete, renew or release it.
        owner: Owner,
        /// The number of renewals, so that every renewal is a new value.
        renewals: u32,
        /// The time for which the record stays after its lease is over.
        retention: Duration,
    },
    /// The run has ended, with this outcome.
    Completed(Outcome),
    /// It was cancelled before it ran, and will never run.
    Cancelled,
}

impl State {
    /// The number of bytes that `encode` writes.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Issued | Self::Completed(Outcome::Tombstone) | Self::Cancelled => 0,
            Self::InProgress { .. } => 16 + 4 + 8,
            Self::Completed(Outcome::Response(response)) => {
                let line = |(name, value): &(Bytes, Bytes)| header_line::size(name, value);
                let headers: usize = response.headers.iter().map(line).sum();
                let count = number_size(response.headers.len() as u64);
                2 + count + headers + field_size(response.body.len())
            }
            Self::Completed(Outcome::Value(value)) => field_size(value.len()),
            Self::Completed(Outcome::Sealed(sealed)) => field_size(sealed.bytes.len()),
        }
    }

    pub(super) const fn tag(&self) -> u8 {
        match self {
            Self::Issued => ISSUED,
            Self::InProgress { .. } => IN_PROGRESS,
            Self::Completed(Outcome::Response(response)) if response.is_cut => CUT_RESPONSE,
            Self::Completed(Outcome::Response(_)) => RESPONSE,
            Self::Completed(Outcome::Tombstone) => TOMBSTONE,
            Self::Completed(Outcome::Value(_)) => VALUE,
            Self::Completed(Outcome::Sealed(_)) => SEALED,
            Self::Cancelled => CANCELLED,
        }
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Issued | Self::Completed(Outcome::Tombstone) | Self::Cancelled => {}
            Self::InProgress { owner, renewals, retention } => {
                out.extend_from_slice(owner.as_bytes());
                out.extend_from_slice(&renewals.to_le_bytes());
                out.extend_from_slice(&crate::clock::millis(*retention).to_le_bytes());
            }
            Self::Completed(Outcome::Response(response)) => encode_response(response, out),
            Self::Completed(Outcome::Value(value)) => write_field(out, value),
            Self::Completed(Outcome::Sealed(sealed)) => write_field(out, &sealed.bytes),
        }
    }

    /// Reads the fields of a state. `binding` is that of its outcome, if it is sealed.
    pub(super) fn decode(
        tag: u8,
        fields: &mut FieldReader,
        binding: impl FnOnce() -> SealBinding,
    ) -> Result<Self, Undecodable> {
        Ok(match tag {
            ISSUED => Self::Issued,
            IN_PROGRESS => Self::InProgress {
                owner: Owner::from_bytes(fields.array()?),
                renewals: fields.u32()?,
                retention: Duration::from_millis(fields.u64()?),
            },
            RESPONSE | CUT_RESPONSE => {
                let is_cut = tag == CUT_RESPONSE;
                Self::Completed(Outcome::Response(decode_response(fields, is_cut)?))
            }
            TOMBSTONE => Self::Completed(Outcome::Tombstone),
            VALUE => Self::Completed(Outcome::Value(fields.field()?)),
            SEALED => {
                let sealed = Sealed { binding: binding(), bytes: fields.field()? };
                Self::Completed(Outcome::Sealed(Box::new(sealed)))
            }
            CANCELLED => Self::Cancelled,
            _ => return Err(Undecodable),
        })
    }
}

/// The most headers for which memory is allocated at once.
const MOST: usize = 16;

fn encode_response(response: &StoredResponse, out: &mut Vec<u8>) {
    out.extend_from_slice(&response.status.to_le_bytes());
    write_number(out, response.headers.len() as u64);
    for (name, value) in &response.headers {
        header_line::write(out, name, value);
    }
    write_field(out, &response.body);
}

fn decode_response(fields: &mut FieldReader, is_cut: bool) -> Result<StoredResponse, Undecodable> {
    let status = fields.u16()?;
    if !(100..=999).contains(&status) {
        return Err(Undecodable);
    }
    let count = fields.number()?;
    // A false count must not allocate more than most responses need.
    let mut headers = Vec::with_capacity(usize::try_from(count).map_or(MOST, |all| all.min(MOST)));
    for _ in 0..count {
        headers.push(header_line::read(fields)?);
    }
    Ok(StoredResponse { status, headers, body: fields.field()?, is_cut })
}
