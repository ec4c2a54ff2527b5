//! Reading and writing bytes: fields with their lengths, UUIDs, and a checksum over all of them.

mod checksum;
mod field_reader;
mod undecodable;
mod uuid;

pub(crate) use checksum::{CHECKSUM_LENGTH, append_checksum, verify_checksum};
pub(crate) use field_reader::{
    FieldReader, field_size, number_size, read_number, write_field, write_number,
};
pub use undecodable::Undecodable;
pub(in crate::store) use uuid::Uuid;
