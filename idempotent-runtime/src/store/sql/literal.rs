//! Values as they stand in the text of a statement, for what is sent together with other statements.
//!
//! All are hexadecimal, so that no setting of a session reads them otherwise, and nothing in them ends them.

/// The digits of these bytes.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |digit: u8| char::from(DIGITS[usize::from(digit)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
