//! The path that a request names, however it is spelled.

use std::borrow::Cow;
use std::fmt::Write as _;

/// A path in the form that all its equivalent spellings share (RFC 3986, sections 6.2.2.1 and 6.2.2.2):
/// what needs no percent sign has none, and the digits behind one are in upper case.
///
/// A retry may come by another way than the first request, and be spelled by it: `/a%2Db` is `/a-b`.
pub(crate) fn concrete_path(path: &str) -> Cow<'_, str> {
    if !path.contains('%') {
        return Cow::Borrowed(path);
    }
    let mut written = String::with_capacity(path.len());
    let mut parts = path.split('%');
    written.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let digits = part.get(..2).filter(|two| two.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if is_unreserved(byte) => written.push(char::from(byte)),
            Some(byte) => {
                let _ = write!(written, "%{byte:02X}");
            }
            // None that can be decoded stays as it is.
            None => {
                written.push('%');
                written.push_str(part);
                continue;
            }
        }
        written.push_str(&part[2..]);
    }
    Cow::Owned(written)
}

const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equivalent_spellings_are_one_and_others_are_not() {
        for (spelled, path) in [
            ("/orders/a-b", "/orders/a-b"),
            ("/%6Frders/a%2Db", "/orders/a-b"),
            ("/%7ealice/%7Ealice", "/~alice/~alice"),
            ("/a%2fb", "/a%2Fb"),
            ("/a%3a%C3%a9", "/a%3A%C3%A9"),
            ("/a%2525", "/a%2525"),
            ("/a%", "/a%"),
            ("/a%4", "/a%4"),
            ("/a%zz%41", "/a%zzA"),
            ("/a%+1", "/a%+1"),
            ("/a%\u{e9}", "/a%\u{e9}"),
        ] {
            assert_eq!(concrete_path(spelled), path, "{spelled}");
            assert_eq!(concrete_path(path), path, "{path} is in its form");
        }
    }
}
