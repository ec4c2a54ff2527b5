//! Values as they stand in the text of a statement, for what is sent together with other statements.
//!
//! Bytes are hexadecimal, so that no setting of a session reads them otherwise, and nothing in them ends them.

/// The digits of these bytes.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut digits = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        digits.push(char::from(DIGITS[usize::from(byte >> 4)]));
        digits.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    digits
}

/// The bytes of these digits.
#[cfg(feature = "postgres")]
pub(super) fn from_hex(digits: &str) -> Option<Vec<u8>> {
    let digit =
        |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    let bytes = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?));
    if rest.is_empty() { bytes.collect() } else { None }
}

/// Puts literals, none of which holds a mark, where a statement has `?`.
#[cfg(feature = "mysql")]
pub(super) fn in_place_of_marks(statement: &str, literals: &[String]) -> String {
    let mut parts = statement.split('?');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for (part, literal) in parts.zip(literals) {
        text.push_str(literal);
        text.push_str(part);
    }
    text
}

/// Puts literals, none of which holds a `$`, where a statement has `$1` to `$9`.
#[cfg(feature = "postgres")]
pub(super) fn in_place_of_numbers(statement: &str, literals: &[String]) -> String {
    let mut parts = statement.split('$');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let number = part.chars().next().and_then(|digit| digit.to_digit(10)).unwrap_or(0) as usize;
        let literal = number.checked_sub(1).and_then(|place| literals.get(place));
        text.push_str(literal.map_or("", String::as_str));
        text.push_str(&part[1..]);
    }
    text
}
