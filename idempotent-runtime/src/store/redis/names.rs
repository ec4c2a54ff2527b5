//! The names of records: a prefix, and the storage key in base64url.

use crate::key::StorageKey;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The length of a storage key in base64url. (Hexadecimal digits would take 16 bytes more of the server's memory.)
const LENGTH: usize = 43;

/// The names of one store's records.
pub(super) struct Names {
    prefix: String,
}

impl Names {
    pub(super) fn new(prefix: String) -> Self {
        Self { prefix }
    }

    /// The name of the record under this key.
    pub(super) fn of(&self, key: &StorageKey) -> String {
        let mut name = String::with_capacity(self.prefix.len() + LENGTH);
        name.push_str(&self.prefix);
        URL_SAFE_NO_PAD.encode_string(key.as_bytes(), &mut name);
        name
    }

    /// The key that has this name, if it is a name of this store: others may use the same prefix.
    pub(super) fn key(&self, name: &[u8]) -> Option<StorageKey> {
        let key = name.strip_prefix(self.prefix.as_bytes())?;
        Some(StorageKey::from_bytes(URL_SAFE_NO_PAD.decode(key).ok()?.try_into().ok()?))
    }

    /// The pattern of all names with this prefix. Characters that a pattern gives a meaning are escaped.
    pub(super) fn pattern(&self) -> String {
        let mut pattern = String::with_capacity(self.prefix.len() + 1);
        for character in self.prefix.chars() {
            if matches!(character, '*' | '?' | '[' | ']' | '\\') {
                pattern.push('\\');
            }
            pattern.push(character);
        }
        pattern.push('*');
        pattern
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_name_is_read_as_it_is_written(bytes: [u8; 32]) {
            let (names, key) = (Names::new("p*:".to_owned()), StorageKey::from_bytes(bytes));
            let name = names.of(&key);
            prop_assert_eq!(name.len(), "p*:".len() + LENGTH);
            prop_assert_eq!(names.key(name.as_bytes()), Some(key));
        }
    }

    #[test]
    fn only_the_usual_spelling_is_a_name() {
        let names = Names::new("p*:".to_owned());
        let name = names.of(&StorageKey::from_bytes([0xab; 32]));
        // The last letter holds four bits of the key; with one more bit it would be another spelling of the same key.
        let (start, last) = name.split_at(name.len() - 1);
        assert_eq!(last, "s");
        for other in [
            format!("{start}t"),
            format!("{name}="),
            format!("{name}A"),
            format!("x{name}"),
            start.to_owned(),
            name.replace('q', "+"),
            format!("p*:{}", StorageKey::from_bytes([0xab; 32])),
        ] {
            assert_eq!(names.key(other.as_bytes()), None, "{other}");
        }
        assert_eq!(names.key(b"p*:\xff"), None);
    }

    #[test]
    fn a_pattern_matches_only_its_prefix() {
        let names = Names::new(r"a*b?[c]\^-{d}:".to_owned());
        assert_eq!(names.pattern(), r"a\*b\?\[c\]\\^-{d}:*");
    }
}
