//! Statements for `PostgreSQL`.

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool, SqlSafeStr, SqlStr};

/// One transaction, which one process runs after the other: `IF NOT EXISTS` fails if two run it at once.
pub(super) const SCHEMA: &str = "\
BEGIN;
SELECT pg_advisory_xact_lock(hashtext('the schema of the shop'));
CREATE TABLE IF NOT EXISTS orders (
    id       text   NOT NULL PRIMARY KEY,
    account  text   NOT NULL,
    sku      text   NOT NULL,
    quantity bigint NOT NULL
);
CREATE TABLE IF NOT EXISTS accounts (id text NOT NULL PRIMARY KEY, balance bigint NOT NULL);
CREATE TABLE IF NOT EXISTS goods (
    id      text   NOT NULL PRIMARY KEY,
    count   bigint NOT NULL,
    version bigint NOT NULL
);
CREATE TABLE IF NOT EXISTS purchase_orders (
    code    text NOT NULL,
    account text NOT NULL,
    sku     text NOT NULL,
    status  text NOT NULL,
    CONSTRAINT code PRIMARY KEY (code)
);
CREATE TABLE IF NOT EXISTS ledger (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code   text NOT NULL,
    entry  text NOT NULL
);
CREATE TABLE IF NOT EXISTS marks (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    phone  text   NOT NULL,
    event  text   NOT NULL,
    text   text   NOT NULL,
    fence  bigint NOT NULL
);
CREATE TABLE IF NOT EXISTS users (
    account text NOT NULL,
    id      text NOT NULL,
    name    text NOT NULL,
    PRIMARY KEY (account, id)
);
CREATE TABLE IF NOT EXISTS runs (operation text NOT NULL);
CREATE TABLE IF NOT EXISTS revoked (account text NOT NULL PRIMARY KEY);
COMMIT;";

// SQLite's statements are valid in PostgreSQL.
pub(super) use super::sqlite::{ADD_GOODS, PAY_IN, RENAME, REVOKE};

pub(super) async fn open(url: &str) -> sqlx::Result<PgPool> {
    let options: PgConnectOptions = url.parse()?;
    let mut first: PgConnection = super::first(&options).await?;
    let made = sqlx::raw_sql(SCHEMA).execute(&mut first).await;
    // If the text failed in the middle, closing the connection ends its transaction, too.
    drop(first.close().await);
    let pool = super::pool().connect_with(options).await?;
    super::unless_made!(made, &pool);
    Ok(pool)
}

/// A statement whose parameters are written `?`. It must not use `?` for anything else.
pub(super) fn sql(statement: &'static str) -> SqlStr {
    let mut parts = statement.split('?');
    let mut numbered = parts.next().unwrap_or_default().to_owned();
    for (part, number) in parts.zip(1_u32..) {
        numbered.extend(["$", &number.to_string(), part]);
    }
    AssertSqlSafe(numbered).into_sql_str()
}
