//! Lines of headers. Most records share names and values, which are stored as numbers.

use crate::store::bytes::{
    FieldReader, Undecodable, field_size, number_size, write_field, write_number,
};
use bytes::Bytes;

/// Whole lines that are stored as one number: the line's place, counted from [`FIRST_LINE`]. New lines are
/// added only at the end.
const LINES: [(&str, &str); 12] = [
    ("content-type", "application/json"),
    ("content-type", "application/json; charset=utf-8"),
    ("content-type", "application/problem+json"),
    ("content-type", "text/plain; charset=utf-8"),
    ("content-type", "text/html; charset=utf-8"),
    ("content-type", "application/octet-stream"),
    ("content-type", "application/xml"),
    ("content-type", "application/pdf"),
    ("cache-control", "no-store"),
    ("cache-control", "no-cache"),
    ("x-content-type-options", "nosniff"),
    ("vary", "accept-encoding"),
];

/// The number of the first line. Smaller numbers are names.
const FIRST_LINE: u64 = 64;

/// Names that are stored as one number: the name's place, counted from 1. New names are added only at the end.
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

/// The mark before a name that is written out.
const SPELLED: u64 = 0;

fn number(name: &[u8]) -> Option<u64> {
    (1..).zip(&KNOWN).find(|(_, known)| known.as_bytes() == name).map(|(number, _)| number)
}

fn line_number(name: &[u8], value: &[u8]) -> Option<u64> {
    let mut lines = (FIRST_LINE..).zip(&LINES);
    let is = |known: &str, bytes: &[u8]| known.as_bytes() == bytes;
    lines.find(|(_, (known, its))| is(its, value) && is(known, name)).map(|(number, _)| number)
}

pub(super) fn size(name: &[u8], value: &[u8]) -> usize {
    if let Some(number) = line_number(name, value) {
        return number_size(number);
    }
    let name = match number(name) {
        Some(number) => number_size(number),
        None => number_size(SPELLED) + field_size(name.len()),
    };
    name + field_size(value.len())
}

pub(super) fn write(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    if let Some(number) = line_number(name, value) {
        return write_number(out, number);
    }
    let number = number(name);
    write_number(out, number.unwrap_or(SPELLED));
    if number.is_none() {
        write_field(out, name);
    }
    write_field(out, value);
}

pub(super) fn read(fields: &mut FieldReader) -> Result<(Bytes, Bytes), Undecodable> {
    let text = |text: &'static str| Bytes::from_static(text.as_bytes());
    let at = |place: u64| usize::try_from(place).map_err(|_| Undecodable);
    let name = match fields.number()? {
        SPELLED => {
            let name = fields.field()?;
            // A known name that is written out is refused, so that equal records have equal bytes.
            if number(&name).is_some() {
                return Err(Undecodable);
            }
            name
        }
        line @ FIRST_LINE.. => {
            let (name, value) = LINES.get(at(line - FIRST_LINE)?).ok_or(Undecodable)?;
            return Ok((text(name), text(value)));
        }
        name => text(KNOWN.get(at(name - 1)?).ok_or(Undecodable)?),
    };
    let value = fields.field()?;
    if line_number(&name, &value).is_some() { Err(Undecodable) } else { Ok((name, value)) }
}
