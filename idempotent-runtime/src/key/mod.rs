//! The parts that make two requests the same request, and the key of its record.

mod key_parts;
mod namespace;
mod storage_key;

pub use crate::fingerprint::Fingerprint;
pub use key_parts::KeyParts;
pub use namespace::Namespace;
pub use storage_key::{Address, Guard, ParseStorageKeyError, StorageKey};
pub(crate) use storage_key::{hashed, hex};
