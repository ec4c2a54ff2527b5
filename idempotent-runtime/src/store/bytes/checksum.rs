//! A checksum of a value and of the key under which it is stored.

use crate::key::StorageKey;
use crate::store::bytes::field_reader::FieldReader;
use crate::store::bytes::undecodable::Undecodable;
use bytes::Bytes;

/// The length of a checksum in bytes.
pub(crate) const CHECKSUM_LENGTH: usize = 4;

/// Appends the checksum of these bytes under this key.
pub(crate) fn append_checksum(key: &StorageKey, mut bytes: Vec<u8>) -> Bytes {
    let sum = checksum(key, &bytes);
    bytes.extend_from_slice(&sum);
    Bytes::from(bytes)
}

/// Verifies the checksum, and returns the bytes before it.
pub(crate) fn verify_checksum(key: &StorageKey, bytes: &Bytes) -> Result<FieldReader, Undecodable> {
    let body = bytes.len().checked_sub(CHECKSUM_LENGTH).ok_or(Undecodable)?;
    if checksum(key, &bytes[..body]) != bytes[body..] {
        return Err(Undecodable);
    }
    Ok(FieldReader::new(bytes.slice(..body)))
}

/// It detects damage, but not an attack: a client that can write to the store can do anything.
fn checksum(key: &StorageKey, bytes: &[u8]) -> [u8; CHECKSUM_LENGTH] {
    let mut sum = crc32fast::Hasher::new();
    sum.update(key.as_bytes());
    sum.update(bytes);
    sum.finalize().to_le_bytes()
}
