//! Statements as texts, for what is sent together: values stand in them as hexadecimal digits.

use crate::key::StorageKey;
use crate::store::life::life_millis;
use crate::store::record::Summary;
use crate::store::sql::literal::{hex, in_place_of_marks};
use crate::store::sql::mysql::rows::{READ, insert_or_update, now};
use sqlx::mysql::MySqlDatabaseError;
use std::time::Duration;

/// Puts a value where none is alive, by the rules of [`CREATE`](super::rows::CREATE). Where one is alive it fails, because
/// the sum is larger than any number.
const CREATE: &str = concat!(
    insert_or_update!(),
    "ends = IF(ends <= ",
    now!(),
    ", VALUES(ends), ends + 18446744073709551615), value = VALUES(value), \
     operation = VALUES(operation), label = VALUES(label), state = VALUES(state)"
);

/// The text of a statement that puts a value where none is alive, and fails as [`is_refused`] says where one is; those
/// behind it are not carried out then.
pub(crate) fn create_text(key: &StorageKey, value: &[u8], life: Duration) -> String {
    let Summary { operation, label, state } = Summary::of(value);
    let literals = [
        bytes_literal(key.as_bytes()),
        bytes_literal(value),
        life_millis(life).to_string(),
        text_literal(operation),
        text_literal(&label),
        text_literal(state),
    ];
    in_place_of_marks(CREATE, &literals)
}

/// The text of a statement that reads the value that is alive under a key.
pub(crate) fn read_text(key: &StorageKey) -> String {
    in_place_of_marks(READ, &[bytes_literal(key.as_bytes())])
}

/// Whether this error was meant: the number is too large.
pub(crate) fn is_refused(error: &sqlx::Error) -> bool {
    let error = error.as_database_error().and_then(|error| error.try_downcast_ref());
    error.is_some_and(|error: &MySqlDatabaseError| error.number() == 1690)
}

fn bytes_literal(bytes: &[u8]) -> String {
    format!("x'{}'", hex(bytes))
}

fn text_literal(text: &str) -> String {
    format!("_utf8mb4 {}", bytes_literal(text.as_bytes()))
}
