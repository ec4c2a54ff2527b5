//! Values beside records. Their content is sealed on its way into the store and opened on its way out, only here.

use crate::error::{StoreError, StoreErrorKind};
use crate::key::StorageKey;
use crate::seal::{Seal, SealBinding, Sealed, Unopened};
use crate::store::bytes::{
    CHECKSUM_LENGTH, FieldReader, Undecodable, append_checksum, verify_checksum,
};
use crate::store::record::sealed::unopened;
use bytes::Bytes;

/// The bit of a version that marks sealed content.
const IS_SEALED: u8 = 0x80;

/// The bytes of a value beside a record: its kind, its version, a head in clear, and its content.
///
/// # Errors
/// When the content must be sealed and cannot be.
pub(crate) fn write(
    seal: &Seal,
    place: &StorageKey,
    [kind, version]: [u8; 2],
    head: &[u8],
    content: &[u8],
) -> Result<Bytes, StoreError> {
    let write = |out: &mut Vec<u8>| out.extend_from_slice(content);
    let binding = SealBinding::new(kind, place.as_bytes(), &[head]);
    let sealed = seal
        .close(binding, content.len(), write)
        .map_err(|error| StoreError::new(StoreErrorKind::Unavailable, "seal").because(error))?;
    let (flag, content) = match &sealed {
        Some(sealed) => (IS_SEALED, &sealed.bytes[..]),
        None => (0, content),
    };
    let mut out = Vec::with_capacity(2 + head.len() + content.len() + CHECKSUM_LENGTH);
    out.extend_from_slice(&[kind, version | flag]);
    out.extend_from_slice(head);
    out.extend_from_slice(content);
    Ok(append_checksum(place, out))
}

/// Reads a value beside a record: its head, and its content.
///
/// # Errors
/// When it is damaged, does not open, or must be sealed and is not.
pub(crate) fn read<const HEAD: usize>(
    seal: &Seal,
    place: &StorageKey,
    [kind, version]: [u8; 2],
    bytes: &Bytes,
) -> Result<([u8; HEAD], FieldReader), StoreError> {
    let corrupt = |error: Undecodable| StoreError::corrupt("read", error);
    let (found, head, content) = split::<HEAD>(place, bytes).map_err(corrupt)?;
    let content = if found == [kind, version | IS_SEALED] {
        let binding = SealBinding::new(kind, place.as_bytes(), &[&head]);
        let sealed = Sealed { binding, bytes: content };
        seal.open(&sealed).map_err(|why| unopened("read", why))?
    } else if found != [kind, version] {
        return Err(corrupt(Undecodable));
    } else if seal.accepts_unsealed() {
        content
    } else {
        return Err(unopened("read", Unopened::NotSealed));
    };
    Ok((head, FieldReader::new(content)))
}

type Beside<const HEAD: usize> = ([u8; 2], [u8; HEAD], Bytes);

/// The kind and version, the head and the content of a value beside a record, without opening the content.
pub(crate) fn split<const HEAD: usize>(
    place: &StorageKey,
    bytes: &Bytes,
) -> Result<Beside<HEAD>, Undecodable> {
    let mut fields = verify_checksum(place, bytes)?;
    let (found, head) = (fields.array()?, fields.array()?);
    let length = fields.left().len();
    Ok((found, head, fields.take(length)?))
}
