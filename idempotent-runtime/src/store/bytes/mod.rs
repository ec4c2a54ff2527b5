//! Reading and writing bytes: fields with their lengths, and a checksum over all of them.

mod checksum;
mod cursor;
mod undecodable;

pub(crate) use checksum::{CHECKSUM_LENGTH, append_checksum, verify_checksum};
pub(crate) use cursor::{Cursor, write_long, write_short};
pub use undecodable::Undecodable;
