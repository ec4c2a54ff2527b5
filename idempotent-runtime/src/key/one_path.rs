//! The canonical spelling of a path and of a query.
//!
//! A retry may come by another way than the first request, which spells it in another way. So paths and
//! queries are compared by their decoded bytes. They are never compared as text: there all bytes that are not
//! UTF-8 become the same character, and two requests would be one.

use actix_router::Quoter;
use std::borrow::Cow;
use std::str::from_utf8;

/// The bytes that actix's router does not decode. `web::Path` decodes them later.
const LEFT_BY_ROUTER: &[u8] = b"%/+";

/// Percent-encoding as actix decodes it: every byte.
const EVERY_BYTE: &[u8] = b"";

/// The canonical spelling of a path: each segment is decoded as actix does it, and encoded again.
pub(crate) fn one_path(path: &str) -> Cow<'_, str> {
    if path.bytes().all(|byte| byte == b'/' || stays_in_path(byte)) {
        return Cow::Borrowed(path);
    }
    let routed = decoded(path.as_bytes(), LEFT_BY_ROUTER);
    let mut written = String::with_capacity(path.len());
    for (place, segment) in routed.split(|byte| *byte == b'/').enumerate() {
        if place > 0 {
            written.push('/');
        }
        encode(&mut written, &decoded(segment, EVERY_BYTE), stays_in_path);
    }
    Cow::Owned(written)
}

/// The canonical spelling of a query: its pairs are decoded and encoded again, in their order.
pub(crate) fn one_query(query: &str) -> Cow<'_, str> {
    let is_in_form = |pair: &[u8]| {
        let parts = pair.split(|byte| *byte == b'=');
        parts.clone().count() == 2 && parts.flatten().all(|byte| is_unreserved(*byte))
    };
    if query.is_empty() || query.as_bytes().split(|byte| *byte == b'&').all(is_in_form) {
        return Cow::Borrowed(query);
    }
    let mut written = String::with_capacity(query.len());
    for (name, value) in pairs(query.as_bytes()) {
        if !written.is_empty() {
            written.push('&');
        }
        encode(&mut written, &name, is_unreserved);
        written.push('=');
        encode(&mut written, &value, is_unreserved);
    }
    Cow::Owned(written)
}

/// The pairs of a query or of a form as bytes, decoded as `web::Query` and `web::Form` do it.
pub(crate) fn pairs(encoded: &[u8]) -> impl Iterator<Item = (Cow<'_, [u8]>, Cow<'_, [u8]>)> {
    let pairs = encoded.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| {
        let (name, value) = match pair.iter().position(|byte| *byte == b'=') {
            Some(sign) => (&pair[..sign], &pair[sign + 1..]),
            None => (pair, &pair[..0]),
        };
        (decoded_part(name), decoded_part(value))
    })
}

/// Whether a path is UTF-8 after both steps of decoding.
pub(crate) fn is_utf8(path: &str) -> bool {
    let routed = decoded(path.as_bytes(), LEFT_BY_ROUTER);
    from_utf8(&routed).is_ok() && from_utf8(&decoded(&routed, EVERY_BYTE)).is_ok()
}

fn decoded<'a>(encoded: &'a [u8], left: &[u8]) -> Cow<'a, [u8]> {
    Quoter::new(&[], left).requote(encoded).map_or(Cow::Borrowed(encoded), Cow::Owned)
}

/// The decoded name or value of a pair. A plus sign is a space.
fn decoded_part(part: &[u8]) -> Cow<'_, [u8]> {
    if !part.contains(&b'+') {
        return decoded(part, EVERY_BYTE);
    }
    let spaced: Vec<u8> =
        part.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    Cow::Owned(decoded(&spaced, EVERY_BYTE).into_owned())
}

fn encode(into: &mut String, bytes: &[u8], stays: fn(u8) -> bool) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in bytes {
        if stays(*byte) {
            into.push(char::from(*byte));
            continue;
        }
        let digits = [byte >> 4, byte & 15].map(|digit| char::from(DIGITS[usize::from(digit)]));
        into.extend(['%', digits[0], digits[1]]);
    }
}

/// Whether a byte may stand in a segment without encoding (RFC 3986, section 3.3).
const fn stays_in_path(byte: u8) -> bool {
    is_unreserved(byte)
        || matches!(byte, b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';')
        || matches!(byte, b'=' | b':' | b'@')
}

const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spellings_of_a_path_are_one_and_others_are_not() {
        for (spelled, path) in [
            ("/orders/a-b", "/orders/a-b"),
            ("/%6Frders/a%2Db", "/orders/a-b"),
            ("/%7ealice/%7Ealice", "/~alice/~alice"),
            ("/p+q", "/p+q"),
            ("/p%2Bq", "/p+q"),
            ("/%70+q", "/p+q"),
            ("/p%20q", "/p%20q"),
            ("/a%2fb", "/a%2Fb"),
            ("/a/b", "/a/b"),
            ("/a%3a%C3%a9", "/a:%C3%A9"),
            ("/a:\u{e9}", "/a:%C3%A9"),
            ("/a%2525", "/a%2525"),
            ("/%FE/%ff", "/%FE/%FF"),
            ("/a%", "/a%25"),
            ("/a%25", "/a%25"),
            ("/a%4", "/a%254"),
            ("/a%zz%41", "/a%25zzA"),
            // The second step may decode bytes that actix's first step has made.
            ("/a%2%46b", "/a%2Fb"),
            ("//a//", "//a//"),
        ] {
            assert_eq!(one_path(spelled), path, "{spelled}");
        }
    }

    #[test]
    fn spellings_of_a_query_are_one_and_others_are_not() {
        for (spelled, query) in [
            ("", ""),
            ("a=b", "a=b"),
            ("a=%62", "a=b"),
            ("a=b&", "a=b"),
            ("&&a=b", "a=b"),
            ("a", "a="),
            ("a=b&a=b", "a=b&a=b"),
            ("b=2&a=1", "b=2&a=1"),
            ("a=&a=b&c=", "a=&a=b&c="),
            ("a=&b=c&b=", "a=&b=c&b="),
            ("a=1+2", "a=1%202"),
            ("a=1%202", "a=1%202"),
            ("a=1%2B2", "a=1%2B2"),
            ("a=b=c", "a=b%3Dc"),
            ("a%3Db=c", "a%3Db=c"),
            ("a=b%26c=d", "a=b%26c%3Dd"),
            ("=", "="),
            ("a=%FE", "a=%FE"),
            ("a=%FF", "a=%FF"),
            ("a=%", "a=%25"),
        ] {
            assert_eq!(one_query(spelled), query, "{spelled}");
        }
    }

    proptest! {
        #[test]
        fn a_canonical_spelling_does_not_change(
            path in "(/[ab+%2F5:é]{0,6}){1,3}", query in "[ab+%2F5=&é]{0,9}",
        ) {
            // A bare percent sign in the input may become the start of an encoded byte in the second step.
            let once = one_path(&path).into_owned();
            prop_assert_eq!(one_path(&once), once.as_str());
            let once = one_query(&query).into_owned();
            prop_assert_eq!(one_query(&once), once.as_str());
        }
    }
}
