//! The parts that make two requests the same request, and the key of its record.

mod hash;
mod key_parts;
mod namespace;
#[cfg(feature = "actix")]
mod one_host;
#[cfg(feature = "actix")]
mod one_path;
mod storage_key;

pub use crate::fingerprint::Fingerprint;
pub(crate) use hash::hashed;
pub use key_parts::KeyParts;
pub use namespace::Namespace;
#[cfg(feature = "actix")]
pub(crate) use one_host::{HostRole, one_host};
#[cfg(feature = "actix")]
pub(crate) use one_path::{is_utf8, one_path, one_query, pairs};
pub(crate) use storage_key::hex;
pub use storage_key::{Address, Guard, ParseStorageKeyError, StorageKey};
