//! A hash for every list of parts that is longer than a few bytes.

use crate::key::key_parts::Length;

/// The most bytes that are joined on the stack. Longer input is hashed piece by piece.
const JOINED: usize = 512;

/// A BLAKE3 hash over `kind`, whose length is the same for all hashes of that kind, and the parts. Each part
/// has its length before it, so that bytes cannot move from one part to the next.
pub(crate) fn hashed<'a>(kind: &[u8], parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
    let mut input = JoinedInput { joined: [0; JOINED], used: 0, long: None };
    input.push(kind);
    for part in parts {
        input.push(Length::of(part.len()).as_bytes());
        input.push(part);
    }
    input.hash()
}

/// The input of a hash. Short input is joined first, since a hasher for pieces is large and its last step is slow.
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

    /// The hash of the whole input at once.
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
