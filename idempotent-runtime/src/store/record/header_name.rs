//! Names of headers, which most records share.

use crate::store::bytes::{
    FieldReader, Undecodable, field_size, number_size, write_field, write_number,
};
use bytes::Bytes;

/// The names that one number stands for: each's place, from 1. Names are only ever added at the end.
const KNOWN: [&str; 24] = [
    "content-type",
    "location",
    "etag",
    "last-modified",
    "cache-control",
    "expires",
    "vary",
    "link",
    "content-language",
    "content-encoding",
    "content-disposition",
    "content-location",
    "content-range",
    "accept-ranges",
    "allow",
    "retry-after",
    "content-security-policy",
    "x-content-type-options",
    "x-frame-options",
    "referrer-policy",
    "strict-transport-security",
    "access-control-allow-origin",
    "access-control-allow-credentials",
    "access-control-expose-headers",
];

/// Stands before a name that is spelled out.
const SPELLED: u64 = 0;

fn number(name: &[u8]) -> Option<u64> {
    (1..).zip(KNOWN).find(|(_, known)| known.as_bytes() == name).map(|(number, _)| number)
}

pub(super) fn size(name: &[u8]) -> usize {
    match number(name) {
        Some(number) => number_size(number),
        None => number_size(SPELLED) + field_size(name.len()),
    }
}

pub(super) fn write(out: &mut Vec<u8>, name: &[u8]) {
    let number = number(name);
    write_number(out, number.unwrap_or(SPELLED));
    if number.is_none() {
        write_field(out, name);
    }
}

pub(super) fn read(fields: &mut FieldReader) -> Result<Bytes, Undecodable> {
    let place = match fields.number()? {
        SPELLED => {
            let name = fields.field()?;
            // Equal records have equal bytes.
            return if number(&name).is_none() { Ok(name) } else { Err(Undecodable) };
        }
        number => usize::try_from(number - 1).map_err(|_| Undecodable)?,
    };
    KNOWN.get(place).map(|name| Bytes::from_static(name.as_bytes())).ok_or(Undecodable)
}
