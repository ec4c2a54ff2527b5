//! The `If-Match` header: the versions that a request asks for (RFC 9110, sections 13.1.1 and 8.8.3).

/// A header that can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum IfMatch {
    /// `*`: any version.
    Any,
    /// The versions that its tags name, weak and strong. Other tags name no version of ours.
    Versions { strong: Vec<i64>, weak: Vec<i64> },
}

/// The header is not a list of entity tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoField;

/// Reads all lines of the header. `None` if there are none, or if they are empty.
///
/// A version without quotes is not a tag, but many clients send it, and it can mean only that version.
pub(crate) fn parse<'a>(
    lines: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Option<IfMatch>, NoField> {
    let lines: Vec<_> = lines.into_iter().collect();
    // Lines of one name are one list (RFC 9110, section 5.3).
    let field = lines.join(&b","[..]);
    let field = field.trim_ascii();
    if field == b"*" {
        return Ok(Some(IfMatch::Any));
    }
    if let Some(bare) = version(field) {
        return Ok(Some(IfMatch::Versions { strong: vec![bare], weak: Vec::new() }));
    }
    let (mut strong, mut weak, mut rest, mut tags) = (Vec::new(), Vec::new(), field, 0);
    loop {
        // A list may have empty elements (section 5.6.1.2).
        while let [b' ' | b'\t' | b',', after @ ..] = rest {
            rest = after;
        }
        if rest.is_empty() {
            let found = (tags > 0).then_some(IfMatch::Versions { strong, weak });
            return Ok(found);
        }
        let (names, tag, after) = match rest.strip_prefix(b"W/") {
            Some(tag) => (&mut weak, tag, opaque(tag)?),
            None => (&mut strong, rest, opaque(rest)?),
        };
        names.extend(version(&tag[1..tag.len() - after.len() - 1]));
        tags += 1;
        rest = after.trim_ascii_start();
        if !matches!(rest, [] | [b',', ..]) {
            return Err(NoField);
        }
    }
}

/// Reads the opaque tag at the beginning, and returns the rest.
fn opaque(text: &[u8]) -> Result<&[u8], NoField> {
    let [b'"', inside @ ..] = text else { return Err(NoField) };
    let end = inside.iter().position(|byte| *byte == b'"').ok_or(NoField)?;
    let is_tag = inside[..end].iter().all(|byte| matches!(byte, 0x21 | 0x23..=0x7e | 0x80..));
    if is_tag { Ok(&inside[end + 1..]) } else { Err(NoField) }
}

/// A version, if it is written as we write it.
pub(crate) fn version(written: &[u8]) -> Option<i64> {
    let written = std::str::from_utf8(written).ok()?;
    written.parse().ok().filter(|version: &i64| version.to_string() == written)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Option<IfMatch>, NoField> {
        parse([line.as_bytes()])
    }

    fn of(strong: &[i64], weak: &[i64]) -> IfMatch {
        IfMatch::Versions { strong: strong.to_vec(), weak: weak.to_vec() }
    }

    #[test]
    fn a_list_of_tags_is_read_and_tags_that_are_not_versions_are_skipped() {
        for (line, strong, weak) in [
            ("\"4\"", &[4][..], &[][..]),
            ("4", &[4], &[]),
            ("\"-1\"", &[-1], &[]),
            ("\"4\", \"5\"", &[4, 5], &[]),
            (" , \"4\",,\t\"5\" ,", &[4, 5], &[]),
            ("W/\"4\"", &[], &[4]),
            ("W/\"4\" , \"7\"", &[7], &[4]),
            ("\"a,b\", \"4\"", &[4], &[]),
            ("\"*\"", &[], &[]),
            ("\"\"", &[], &[]),
            ("\"05\", \"+6\", \"x\", \"4.0\"", &[], &[]),
            ("\"9223372036854775808\"", &[], &[]),
        ] {
            assert_eq!(parsed(line), Ok(Some(of(strong, weak))), "{line}");
        }
        assert_eq!(parse([&b"\"4\""[..], b"\"5\""]), Ok(Some(of(&[4, 5], &[]))));
    }

    #[test]
    fn a_star_stands_alone_and_an_empty_header_is_no_header() {
        assert_eq!(parsed(" * "), Ok(Some(IfMatch::Any)));
        for line in ["", " ", ",", " , ,"] {
            assert_eq!(parsed(line), Ok(None), "{line:?}");
        }
        assert_eq!(parse([]), Ok(None));
    }

    #[test]
    fn a_header_that_is_not_a_list_of_tags_is_refused() {
        for line in [
            "\"4",
            "4\"",
            "\"4\" \"5\"",
            "\"4\"5",
            "*, \"4\"",
            "w/\"4\"",
            "W/4",
            "W/ \"4\"",
            "05",
            "+6",
            "x",
            "4, 5",
            "'4'",
            "\"4\u{7f}\"",
            "\"a b\"",
        ] {
            assert_eq!(parsed(line), Err(NoField), "{line}");
        }
    }
}
