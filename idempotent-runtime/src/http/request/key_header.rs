//! The value of an Idempotency-Key header: a Structured Field string, or bare text.

use std::borrow::Cow;

/// The longest key, in bytes after decoding.
pub(crate) const KEY_MAX: usize = 255;

/// The forms of the header `Idempotency-Key` that are accepted.
///
/// ```
/// use idempotent_runtime::{Idempotency, KeyForm, MemoryStore, Scope};
///
/// let builder = Idempotency::builder(MemoryStore::new()).scope(Scope::shared());
/// // `Idempotency-Key: "7f3a"` is read, and `Idempotency-Key: 7f3a` is 400 `key-invalid`.
/// let strict = builder.key_form(KeyForm::Strict).build();
/// assert!(strict.is_ok());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyForm {
    /// A quoted Structured Field string, or bare text of unambiguous characters, which most clients send. The
    /// two forms of one text are one key.
    #[default]
    Lenient,
    /// Only the quoted form, as draft-ietf-httpapi-idempotency-key-header requires.
    Strict,
}

/// The reason why a value is not a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// It is empty.
    Empty,
    /// It holds something that is not allowed.
    Malformed(&'static str),
}

/// Reads one field value; nothing is trimmed or truncated.
pub(crate) fn parse(value: &[u8], form: KeyForm) -> Result<Cow<'_, str>, Unreadable> {
    let text = match (value, form) {
        ([], _) => return Err(Unreadable::Empty),
        ([b'"', quoted @ ..], _) => unquote(quoted)?,
        (bare, KeyForm::Lenient) => allowed(bare)?,
        (_, KeyForm::Strict) => {
            return Err(Unreadable::Malformed("it must be a quoted string (RFC 9651)"));
        }
    };
    match text.len() {
        0 => Err(Unreadable::Empty),
        1..=KEY_MAX => Ok(text),
        _ => Err(Unreadable::Malformed("it is longer than 255 bytes")),
    }
}

/// The rest of a Structured Field string after its opening quote (RFC 9651, section 4.2.5).
fn unquote(quoted: &[u8]) -> Result<Cow<'_, str>, Unreadable> {
    let plain =
        quoted.iter().take_while(|byte| matches!(byte, b' '..=b'~' if !b"\"\\".contains(byte)));
    let plain = plain.count();
    if quoted[plain..] == *b"\"" {
        // Nothing is escaped, as in most keys.
        return text(&quoted[..plain]);
    }
    let mut text = String::with_capacity(quoted.len().min(KEY_MAX));
    let mut bytes = quoted.iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'"' if bytes.as_slice().is_empty() => return Ok(Cow::Owned(text)),
            b'"' => return Err(Unreadable::Malformed("nothing may follow the closing quote")),
            b'\\' => match bytes.next() {
                Some(&escaped @ (b'"' | b'\\')) => text.push(char::from(escaped)),
                _ => return Err(Unreadable::Malformed("only `\\\"` and `\\\\` are escapes")),
            },
            0x20..=0x7e => text.push(char::from(byte)),
            _ => return Err(Unreadable::Malformed("it holds a byte that is not printable ASCII")),
        }
    }
    Err(Unreadable::Malformed("the closing quote is missing"))
}

fn allowed(bare: &[u8]) -> Result<Cow<'_, str>, Unreadable> {
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"._~:+/=-".contains(byte);
    if !bare.iter().all(fits) {
        return Err(Unreadable::Malformed(
            "unquoted, it may hold A-Z a-z 0-9 . _ ~ : + / = - only",
        ));
    }
    text(bare)
}

/// The bytes as text. They were checked to be ASCII.
fn text(bytes: &[u8]) -> Result<Cow<'_, str>, Unreadable> {
    let text = std::str::from_utf8(bytes).map_err(|_| Unreadable::Malformed("it is not text"))?;
    Ok(Cow::Borrowed(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sfv::{BareItem, Item, Parser};

    /// The result of an independent parser of RFC 9651, with our limits.
    fn by_the_book(value: &str) -> Option<String> {
        let item = Parser::new(value).parse::<Item>().ok()?;
        match item.bare_item {
            BareItem::String(text) if item.params.is_empty() => Some(text.as_str().to_owned()),
            _ => None,
        }
        .filter(|text| (1..=KEY_MAX).contains(&text.len()))
    }

    proptest! {
        #[test]
        fn quoted_values_read_as_an_independent_parser_reads_them(
            inner in r#"([ -~]|\\"|\\\\|"|;a=1|,|\t|é|\x00){0,12}"#, closed in any::<bool>(),
        ) {
            let value = format!("\"{inner}{}", if closed { "\"" } else { "" });
            // The HTTP parser has removed white space around a value before we see it.
            let value = value.trim();
            let read = parse(value.as_bytes(), KeyForm::Strict).ok();
            let book = by_the_book(value);
            prop_assert_eq!(read.as_deref(), book.as_deref());
        }

        #[test]
        fn no_bytes_make_it_panic(value in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse(&value, KeyForm::Lenient);
        }
    }

    #[test]
    fn quoted_and_bare_are_one_key() {
        assert_eq!(parse(b"\"abc\"", KeyForm::Lenient), parse(b"abc", KeyForm::Lenient));
    }

    #[test]
    fn lengths_count_after_decoding() {
        let exact = "a".repeat(KEY_MAX);
        let over = "a".repeat(KEY_MAX + 1);
        for (text, fits) in [(&exact, true), (&over, false)] {
            assert_eq!(parse(text.as_bytes(), KeyForm::Lenient).is_ok(), fits);
            assert_eq!(parse(format!("\"{text}\"").as_bytes(), KeyForm::Lenient).is_ok(), fits);
        }
        let escaped = format!("\"{}\"", "\\\"".repeat(KEY_MAX));
        assert_eq!(parse(escaped.as_bytes(), KeyForm::Lenient).unwrap().len(), KEY_MAX);
    }

    #[test]
    fn values_that_other_parsers_read_differently_are_refused() {
        for value in [
            "\"a\", \"b\"",
            "\"a\";p=1",
            "\"open",
            "\"a\nb\"",
            "'a'",
            "a b",
            "a\tb",
            "a,b",
            "é",
            "\u{1b}[31m",
            "a\0",
            "\"a\" ",
        ] {
            let read = parse(value.as_bytes(), KeyForm::Lenient);
            assert!(matches!(read, Err(Unreadable::Malformed(_))), "{value:?}: {read:?}");
        }
        for value in ["", "\"\""] {
            assert_eq!(parse(value.as_bytes(), KeyForm::Lenient), Err(Unreadable::Empty));
        }
        assert!(parse(b"abc", KeyForm::Strict).is_err());
        assert_ne!(parse(b"abc", KeyForm::Lenient), parse(b"ABC", KeyForm::Lenient));
    }
}
