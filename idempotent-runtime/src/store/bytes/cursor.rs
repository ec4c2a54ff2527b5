//! Fields with their lengths, read and written in order; all numbers are little endian.

use crate::store::bytes::undecodable::Undecodable;
use bytes::{Buf, Bytes};

/// Takes fields off the front of some bytes, each within what is left.
pub(crate) struct Cursor {
    left: Bytes,
}

impl Cursor {
    pub(crate) const fn new(bytes: Bytes) -> Self {
        Self { left: bytes }
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<Bytes, Undecodable> {
        if length > self.left.len() {
            return Err(Undecodable);
        }
        Ok(self.left.split_to(length))
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Undecodable> {
        // Without `take`, which has to count the owners of the memory.
        let array = *self.left.first_chunk().ok_or(Undecodable)?;
        self.left.advance(N);
        Ok(array)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Undecodable> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Undecodable> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Undecodable> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Undecodable> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// A field behind a 32-bit length.
    pub(crate) fn bytes(&mut self) -> Result<Bytes, Undecodable> {
        let length = self.u32()?;
        self.take(usize::try_from(length).map_err(|_| Undecodable)?)
    }

    /// The bytes that are left; none is taken.
    pub(crate) fn left(&self) -> &[u8] {
        &self.left
    }

    /// Ends the reading; refuses bytes that follow the last field.
    pub(crate) fn finish(self) -> Result<(), Undecodable> {
        if self.left.is_empty() { Ok(()) } else { Err(Undecodable) }
    }
}

/// Writes a field behind a 16-bit length, and cuts off all that is over 65 535 bytes (for labels).
pub(crate) fn write_short(out: &mut Vec<u8>, field: &[u8]) {
    let length = u16::try_from(field.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&field[..usize::from(length)]);
}

/// Writes a field behind a 32-bit length; a stored body is far shorter than 4 GiB.
pub(crate) fn write_long(out: &mut Vec<u8>, field: &[u8]) {
    let length = u32::try_from(field.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(field);
}
