//! The hash of everything that is told apart by more than a few bytes.

use crate::key::key_parts::Length;

/// How many bytes are joined on the stack; what is longer is hashed piece by piece.
const JOINED: usize = 512;

/// BLAKE3 over some bytes, as many for all hashes of a kind, and parts, each behind its length, so that
/// neighbouring parts cannot be shifted into each other.
pub(crate) fn hashed<'a>(kind: &[u8], parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
    let mut input = JoinedInput { joined: [0; JOINED], used: 0, long: None };
    input.push(kind);
    for part in parts {
        input.push(Length::of(part.len()).as_bytes());
        input.push(part);
    }
    input.hash()
}

/// The input of a hash. A hasher that takes pieces is large, and its last step slow: short input is joined first.
struct JoinedInput {
    joined: [u8; JOINED],
    used: usize,
    long: Option<Box<blake3::Hasher>>,
}

impl JoinedInput {
    fn push(&mut self, bytes: &[u8]) {
        let Self { joined, used, long } = self;
        if long.is_none()
            && let Some(room) = joined.get_mut(*used..*used + bytes.len())
        {
            room.copy_from_slice(bytes);
            *used += bytes.len();
            return;
        }
        let hasher = long.get_or_insert_with(|| {
            let mut hasher = Box::new(blake3::Hasher::new());
            hasher.update(&joined[..*used]);
            hasher
        });
        hasher.update(bytes);
    }

    fn hash(self) -> [u8; 32] {
        let hash = match self.long {
            Some(hasher) => hasher.finalize(),
            None => blake3::hash(&self.joined[..self.used]),
        };
        *hash.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sum of a hasher that gets it all at once.
    fn at_once(kind: &[u8], parts: &[&[u8]]) -> [u8; 32] {
        let mut all = kind.to_vec();
        for part in parts {
            all.extend_from_slice(Length::of(part.len()).as_bytes());
            all.extend_from_slice(part);
        }
        *blake3::hash(&all).as_bytes()
    }

    #[test]
    fn long_input_is_hashed_as_short_input_is() {
        let body = [b'x'; 2 * JOINED];
        for length in [0, 1, 100, JOINED - 8, JOINED - 7, JOINED - 6, JOINED, 2 * JOINED] {
            let parts = [&body[..3], &body[..length], &body[..1]];
            assert_eq!(hashed(b"k", parts), at_once(b"k", &parts), "{length} bytes");
        }
    }
}
