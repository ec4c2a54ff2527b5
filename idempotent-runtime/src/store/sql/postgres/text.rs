//! Statements as texts, for what is sent together: values stand in them as hexadecimal digits.

use crate::key::StorageKey;
use crate::store::contract::Swap;
use crate::store::life::life_millis;
use crate::store::record::Summary;
use crate::store::sql::literal::{from_hex, hex, in_place_of_numbers};
use crate::store::sql::postgres::rows::{CREATE_IN_TEXT, CREATE_OVER_IN_TEXT, readable};
use futures_util::TryStreamExt;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Either, PgConnection, Row};
use std::time::Duration;

/// The texts of statements that put a value where none is: the second also over a row whose life is over.
/// [`create_by_text`] sends them.
pub(crate) fn create_texts(key: &StorageKey, value: &[u8], life: Duration) -> [String; 2] {
    let literals = literals(key, value, life);
    [CREATE_IN_TEXT, CREATE_OVER_IN_TEXT].map(|text| in_place_of_numbers(text, &literals))
}

/// Sends one of [`create_texts`], which others may follow, and answers as [`put`](super::rows::put) does.
pub(crate) async fn create_by_text(
    connection: &mut PgConnection,
    text: String,
) -> Result<Option<Swap>, sqlx::Error> {
    let mut answers = sqlx::raw_sql(AssertSqlSafe(text)).fetch_many(connection);
    // The number of rows that the first statement put comes before all rows.
    let (mut put, mut found) = (None, None);
    while let Some(answer) = answers.try_next().await? {
        match answer {
            Either::Left(done) => put = put.or(Some(done.rows_affected())),
            Either::Right(_) if put == Some(1) => {}
            Either::Right(row) => found = Some(Swap::Differs(Some(value_in(&row)?.into()))),
        }
    }
    Ok(if put == Some(1) { Some(Swap::Done) } else { found })
}

fn value_in(row: &PgRow) -> Result<Vec<u8>, sqlx::Error> {
    let digits = from_hex(row.try_get(0)?);
    digits.ok_or_else(|| sqlx::Error::Decode("no hexadecimal digits".into()))
}

fn literals(key: &StorageKey, value: &[u8], life: Duration) -> Vec<String> {
    let summary = Summary::of(value);
    let text = |text: &str| format!("convert_from({}, 'UTF8')", bytes_literal(text.as_bytes()));
    vec![
        bytes_literal(key.as_bytes()),
        bytes_literal(value),
        life_millis(life).to_string(),
        text(summary.operation),
        text(&readable(summary.label)),
        text(summary.state),
    ]
}

fn bytes_literal(bytes: &[u8]) -> String {
    format!("decode('{}', 'hex')", hex(bytes))
}
