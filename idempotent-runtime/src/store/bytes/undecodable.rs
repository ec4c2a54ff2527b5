//! The error of bytes that cannot be read back.

use std::fmt;

/// The bytes are not a record, or belong to another key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undecodable;

impl fmt::Display for Undecodable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a record of this version under this key, or damaged")
    }
}

impl std::error::Error for Undecodable {}
