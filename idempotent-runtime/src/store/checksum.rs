//! Bytes that carry a checksum of themselves and of the key they lie under.

use crate::key::StorageKey;
use crate::store::cursor::Cursor;
use crate::store::record::Undecodable;
use bytes::Bytes;

/// How many bytes a seal adds.
pub(crate) const CHECKSUM: usize = 4;

/// Adds the checksum.
pub(crate) fn seal(key: &StorageKey, mut bytes: Vec<u8>) -> Bytes {
    let sum = checksum(key, &bytes);
    bytes.extend_from_slice(&sum);
    Bytes::from(bytes)
}

/// Checks the checksum and takes it off.
pub(crate) fn unseal(key: &StorageKey, bytes: &Bytes) -> Result<Cursor, Undecodable> {
    let body = bytes.len().checked_sub(CHECKSUM).ok_or(Undecodable)?;
    if checksum(key, &bytes[..body]) != bytes[body..] {
        return Err(Undecodable);
    }
    Ok(Cursor::new(bytes.slice(..body)))
}

/// A checksum against damage, not against malice: who can write to the store can do anything.
fn checksum(key: &StorageKey, bytes: &[u8]) -> [u8; CHECKSUM] {
    let mut sum = crc32fast::Hasher::new();
    sum.update(key.as_bytes());
    sum.update(bytes);
    sum.finalize().to_le_bytes()
}
