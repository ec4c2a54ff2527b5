//! The keys that seal content.

use crate::seal::sealed::{NoRandomness, SealBinding, Sealed, Unopened, is_id};
use bytes::Bytes;
use chacha20poly1305::{AeadInOut, KeyInit, Tag, XChaCha20Poly1305, XNonce};
use std::fmt;
use zeroize::Zeroize;

const NONCE: usize = 24;
const TAG: usize = 16;

/// The keys that records are sealed with: one seals and opens, the others only open.
///
/// A key is 32 random bytes, equal on all hosts. Its id stands in each record: 1 to 32 letters, digits, `.`,
/// `_` and `-`. A changed key needs a new id. `Debug` shows only ids, and keys are wiped from memory when
/// they are dropped.
///
/// If a record is sealed with a key that is missing here, does not open, or is not sealed although it must
/// be, the request gets `store-unavailable`. It is counted
/// ([`Counts::unopened`](crate::observe::Counts::unopened)), and nothing runs.
#[derive(Clone)]
#[must_use = "keys do nothing before they are passed to a builder's `seal`"]
pub struct Keys {
    /// The first one seals.
    all: Vec<SealKey>,
    is_sealing: bool,
    accepts_unsealed: bool,
    has_labels: bool,
}

#[derive(Clone)]
struct SealKey {
    id: Box<str>,
    /// Boxed, so that moving it leaves no copies in memory. It wipes itself.
    cipher: Box<XChaCha20Poly1305>,
}

/// The reason why keys cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeysError {
    /// The id must not stand in a record.
    #[error("`{0}` is not an id of a key: use 1 to 32 letters, digits, `.`, `_` and `-`")]
    Id(String),
    /// Two keys have the same id, so records would not tell which is meant.
    #[error("two keys have the id `{0}`: give each its own")]
    Twice(String),
}

impl Keys {
    /// The key that seals and opens. There is no default.
    pub fn new(id: impl Into<String>, key: [u8; 32]) -> Self {
        let all = vec![SealKey::new(id.into(), key)];
        Self { all, is_sealing: true, accepts_unsealed: false, has_labels: false }
    }

    /// Adds a key that only opens records it sealed before. Keep it for one ttl after the last process that
    /// sealed with it has ended.
    pub fn previous(mut self, id: impl Into<String>, key: [u8; 32]) -> Self {
        self.all.push(SealKey::new(id.into(), key));
        self
    }

    /// Adds a key that only opens records of newer processes, while they and this process run side by side.
    /// All processes need a key before the first one seals with it.
    pub fn next(self, id: impl Into<String>, key: [u8; 32]) -> Self {
        self.previous(id, key)
    }

    /// Seals also the readable key of records. Defaults to leaving it readable.
    ///
    /// A reader without a sealing key, such as a database shell or the command line, then sees `(sealed)` in
    /// its place. The operation stays readable.
    pub fn labels(mut self) -> Self {
        self.has_labels = true;
        self
    }

    /// Accepts records that are not sealed, from the time before there were sealing keys. Defaults to
    /// refusing them.
    ///
    /// Use it for one ttl after sealing began. Until it is removed, anybody who can write to the store can
    /// put a record of their own there.
    pub fn accept_unsealed(mut self) -> Self {
        self.accepts_unsealed = true;
        self
    }

    /// Opens records but seals none, and accepts records that are not sealed. Defaults to sealing. Use it
    /// before the first process seals and after the last one did, so that processes with and without keys run
    /// side by side.
    pub fn write_unsealed(mut self) -> Self {
        self.is_sealing = false;
        self.accept_unsealed()
    }

    /// Checks that ids can stand in records, each once.
    pub(crate) fn check(&self) -> Result<(), KeysError> {
        for (n, SealKey { id, .. }) in self.all.iter().enumerate() {
            if !is_id(id) {
                return Err(KeysError::Id(id.escape_debug().to_string()));
            }
            if self.all[..n].iter().any(|before| before.id == *id) {
                return Err(KeysError::Twice(id.to_string()));
            }
        }
        Ok(())
    }

    pub(super) const fn is_sealing(&self) -> bool {
        self.is_sealing
    }

    pub(super) const fn accepts_unsealed(&self) -> bool {
        self.accepts_unsealed
    }

    pub(super) const fn has_labels(&self) -> bool {
        self.has_labels
    }

    /// Seals content. Writes the key's id with its length before it, a new nonce, the sealed content, and its tag.
    pub(super) fn close(
        &self,
        binding: SealBinding,
        size: usize,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Result<Sealed, NoRandomness> {
        let SealKey { id, cipher } = &self.all[0];
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|_| NoRandomness)?;
        let mut out = Vec::with_capacity(1 + id.len() + NONCE + size + TAG);
        out.push(u8::try_from(id.len()).unwrap_or(u8::MAX));
        out.extend_from_slice(id.as_bytes());
        out.extend_from_slice(&nonce);
        let content = out.len();
        write(&mut out);
        let (nonce, bound_to) = (XNonce::from(nonce), binding.as_bytes());
        let sealed = cipher.encrypt_inout_detached(&nonce, bound_to, (&mut out[content..]).into());
        // The cipher refuses only content of 256 GiB or more.
        let tag = sealed.map_err(|_| NoRandomness)?;
        out.extend_from_slice(&tag);
        Ok(Sealed { binding, bytes: out.into() })
    }

    /// Opens sealed content.
    pub(super) fn open(&self, sealed: &Sealed) -> Result<Bytes, Unopened> {
        let (id, rest) = sealed.parts().ok_or(Unopened::Damaged)?;
        let key = self.all.iter().find(|key| *key.id == *id);
        let key = key.ok_or_else(|| Unopened::UnknownKey(id.into()))?;
        let (nonce, rest) = rest.split_first_chunk::<NONCE>().ok_or(Unopened::Damaged)?;
        let (content, tag) = rest.split_last_chunk::<TAG>().ok_or(Unopened::Damaged)?;
        let mut content = content.to_vec();
        let (nonce, tag) = (XNonce::from(*nonce), Tag::from(*tag));
        let bound_to = sealed.binding.as_bytes();
        key.cipher
            .decrypt_inout_detached(&nonce, bound_to, (&mut content[..]).into(), &tag)
            .map_err(|_| Unopened::Refused(id.into()))?;
        Ok(content.into())
    }
}

impl SealKey {
    fn new(id: String, mut key: [u8; 32]) -> Self {
        let cipher = Box::new(XChaCha20Poly1305::new((&key).into()));
        key.zeroize();
        Self { id: id.into(), cipher }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<_> = self.all.iter().map(|key| &key.id).collect();
        f.debug_struct("Keys").field("ids", &ids).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTENT: &[u8] = b"card 4242 4242 4242 4242";

    fn binding(attempt: u8) -> SealBinding {
        SealBinding::new(b'o', &[7; 32], &[&[attempt]])
    }

    fn closed(keys: &Keys) -> Sealed {
        let write = |out: &mut Vec<u8>| out.extend_from_slice(CONTENT);
        keys.close(binding(1), CONTENT.len(), write).unwrap()
    }

    #[test]
    fn sealed_content_shows_nothing_and_comes_back_as_it_was() {
        let keys = Keys::new("a", [1; 32]);
        let (one, other) = (closed(&keys), closed(&keys));
        assert_ne!(one, other, "each has a nonce of its own");
        assert!(!one.bytes.windows(4).any(|shown| CONTENT.windows(4).any(|part| part == shown)));
        assert_eq!((keys.open(&one), one.key_id()), (Ok(Bytes::from_static(CONTENT)), Some("a")));
    }

    #[test]
    fn content_with_a_changed_byte_does_not_open() {
        let keys = Keys::new("a", [1; 32]).previous("b", [2; 32]);
        let sealed = closed(&keys);
        for (at, bit) in (0..sealed.bytes.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
            let mut bytes = sealed.bytes.to_vec();
            bytes[at] ^= 1 << bit;
            let changed = Sealed { bytes: bytes.into(), ..sealed.clone() };
            assert!(keys.open(&changed).is_err(), "bit {bit} of byte {at}");
        }
        for end in 0..sealed.bytes.len() {
            let cut = Sealed { bytes: sealed.bytes.slice(..end), ..sealed.clone() };
            assert!(keys.open(&cut).is_err(), "cut after {end}");
        }
    }

    #[test]
    fn sealed_content_opens_only_at_its_place() {
        let keys = Keys::new("a", [1; 32]);
        let moved = Sealed { binding: binding(2), ..closed(&keys) };
        assert_eq!(keys.open(&moved), Err(Unopened::Refused("a".into())));
    }

    #[test]
    fn a_key_opens_only_under_its_own_id() {
        let old = closed(&Keys::new("old", [1; 32]));
        assert!(Keys::new("new", [2; 32]).previous("old", [1; 32]).open(&old).is_ok());
        assert!(Keys::new("older", [3; 32]).next("old", [1; 32]).open(&old).is_ok());
        let told = |keys: Keys| keys.open(&old);
        assert_eq!(told(Keys::new("new", [1; 32])), Err(Unopened::UnknownKey("old".into())));
        assert_eq!(told(Keys::new("old", [2; 32])), Err(Unopened::Refused("old".into())));
    }

    #[test]
    fn ids_that_records_cannot_tell_apart_are_refused() {
        let keys = |first: &str, second: &str| Keys::new(first, [1; 32]).previous(second, [2; 32]);
        assert_eq!(keys("a", "b").check(), Ok(()));
        assert_eq!(keys("a", "a").check(), Err(KeysError::Twice("a".to_owned())));
        assert_eq!(keys("a", "b c").check(), Err(KeysError::Id("b c".to_owned())));
        assert_eq!(keys("", "b").check(), Err(KeysError::Id(String::new())));
    }

    #[test]
    fn keys_show_only_their_ids() {
        let keys = Keys::new("a", [0xab; 32]).previous("b", [0xcd; 32]);
        assert_eq!(format!("{keys:?}"), r#"Keys { ids: ["a", "b"], .. }"#);
    }
}
