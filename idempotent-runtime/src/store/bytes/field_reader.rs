//! Fields with their lengths, read and written in order. All numbers are little endian.

use crate::store::bytes::undecodable::Undecodable;
use bytes::{Buf, Bytes};

/// Takes fields off the front of some bytes. Each field must lie within the bytes that are left.
pub(crate) struct FieldReader {
    left: Bytes,
}

impl FieldReader {
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
        // `take` would count the owners of the memory.
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

    /// A number in as many bytes as it needs. A longer spelling of it is refused.
    pub(crate) fn number(&mut self) -> Result<u64, Undecodable> {
        let (number, length) = read_number(&self.left).ok_or(Undecodable)?;
        self.left.advance(length);
        Ok(number)
    }

    /// A field with its length before it, which is a [`number`](Self::number).
    pub(crate) fn field(&mut self) -> Result<Bytes, Undecodable> {
        let length = self.number()?;
        self.take(usize::try_from(length).map_err(|_| Undecodable)?)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Undecodable> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Undecodable> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// The bytes that are left. They are not taken.
    pub(crate) fn left(&self) -> &[u8] {
        &self.left
    }

    /// Ends the reading; refuses bytes that follow the last field.
    pub(crate) fn finish(self) -> Result<(), Undecodable> {
        if self.left.is_empty() { Ok(()) } else { Err(Undecodable) }
    }
}

/// The mark that more bytes follow. Each byte has seven bits of a number, the low ones first, and every byte
/// but the last one has this mark.
const MORE: u8 = 0x80;

/// Writes a number in as many bytes as it needs (LEB128).
pub(crate) fn write_number(out: &mut Vec<u8>, mut number: u64) {
    loop {
        let low = number.to_le_bytes()[0] & !MORE;
        number >>= 7;
        if number == 0 {
            return out.push(low);
        }
        out.push(low | MORE);
    }
}

/// The number of bytes that a number needs.
pub(crate) fn number_size(number: u64) -> usize {
    let bits = u64::BITS - number.leading_zeros();
    bits.div_ceil(7).max(1) as usize
}

/// The number at the front of these bytes, and the number of bytes that it takes.
pub(crate) fn read_number(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut number = 0;
    for (place, byte) in bytes.iter().take(10).enumerate() {
        let low = u64::from(byte & !MORE);
        let shifted = low << (7 * place);
        if shifted >> (7 * place) != low {
            return None;
        }
        number |= shifted;
        if byte & MORE == 0 {
            // If the last byte is zero, this is a longer spelling of a number.
            return (low > 0 || place == 0).then_some((number, place + 1));
        }
    }
    None
}

/// Writes a field with its length before it.
pub(crate) fn write_field(out: &mut Vec<u8>, field: &[u8]) {
    write_number(out, field.len() as u64);
    out.extend_from_slice(field);
}

/// The size in bytes of a field of this length, with the length before it.
pub(crate) fn field_size(length: usize) -> usize {
    number_size(length as u64) + length
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_number_is_read_as_it_was_written_and_in_no_longer_spelling(
            number: u64, few in 0..400_u64, rest in prop::collection::vec(any::<u8>(), 0..4),
        ) {
            for number in [number, few, u64::MAX] {
                let mut bytes = Vec::new();
                write_number(&mut bytes, number);
                let length = bytes.len();
                prop_assert_eq!(number_size(number), length);
                prop_assert_eq!(read_number(&bytes[..length - 1]), None);
                let mut longer = bytes.clone();
                longer[length - 1] |= MORE;
                longer.push(0);
                prop_assert_eq!(read_number(&longer), None);
                bytes.extend(&rest);
                prop_assert_eq!(read_number(&bytes), Some((number, length)));
            }
        }
    }

    #[test]
    fn a_number_of_more_than_64_bits_is_refused() {
        assert_eq!(read_number(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]), None);
        assert_eq!(read_number(&[MORE; 11]), None);
    }
}
