//! Statements as texts, for what is sent together.
//!
//! Values stand in them as constants, which no setting of a session reads otherwise; a call of a function, such as
//! `decode`, would be evaluated as the statement is planned, which costs the server more than the constant.

use crate::key::StorageKey;
use crate::store::life::life_millis;
use crate::store::record::Summary;
use crate::store::sql::literal::{hex, in_place_of_numbers};
use crate::store::sql::postgres::rows::{CREATE_OVER, CREATE_WHERE_NONE, readable};
use std::fmt::Write as _;
use std::time::Duration;

/// The text of a statement that puts a value where none is, not even one whose life is over.
pub(crate) fn create_text(key: &StorageKey, value: &[u8], life: Duration) -> String {
    in_place_of_numbers(CREATE_WHERE_NONE, &literals(key, value, life))
}

/// The same, also over a value whose life is over.
pub(crate) fn create_over_text(key: &StorageKey, value: &[u8], life: Duration) -> String {
    in_place_of_numbers(CREATE_OVER, &literals(key, value, life))
}

fn literals(key: &StorageKey, value: &[u8], life: Duration) -> [String; 6] {
    let summary = Summary::of(value);
    [
        bytes_literal(key.as_bytes()),
        bytes_literal(value),
        life_millis(life).to_string(),
        text_literal(summary.operation),
        text_literal(&readable(summary.label)),
        text_literal(summary.state),
    ]
}

fn bytes_literal(bytes: &[u8]) -> String {
    format!(r"E'\\x{}'", hex(bytes))
}

/// All but letters, digits and spaces of ASCII are escaped, by their numbers.
fn text_literal(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 3);
    literal.push_str("E'");
    for character in text.chars() {
        match u32::from(character) {
            _ if character.is_ascii_alphanumeric() || character == ' ' => literal.push(character),
            number @ ..0x1_0000 => drop(write!(literal, r"\u{number:04x}")),
            number => drop(write!(literal, r"\U{number:08x}")),
        }
    }
    literal.push('\'');
    literal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_ends_its_literal() {
        assert_eq!(text_literal("POST a1"), "E'POST a1'");
        assert_eq!(text_literal(r"'\$"), r"E'\u0027\u005c\u0024'");
        assert_eq!(text_literal("\n\u{e9}\u{1f4a9}"), r"E'\u000a\u00e9\U0001f4a9'");
    }

    #[test]
    fn bytes_are_digits() {
        assert_eq!(bytes_literal(&[0, 0x27, 0xff]), r"E'\\x0027ff'");
    }
}
