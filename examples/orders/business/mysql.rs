//! Statements for `MariaDB` and `MySQL`.

use sqlx::mysql::MySqlConnectOptions;
use sqlx::{AssertSqlSafe, Connection, MySqlConnection, MySqlPool};

/// Names are compared by their bytes. By default `abc` equals `ABC`, and even with `utf8mb4_bin` it equals
/// `abc ` with a space. (`MySQL` calls this collation `utf8mb4_0900_bin`.)
pub(super) const SCHEMA: &str = "\
CREATE TABLE IF NOT EXISTS orders (
    id       VARCHAR(64)  NOT NULL PRIMARY KEY,
    account  VARCHAR(255) NOT NULL,
    sku      TEXT         NOT NULL,
    quantity BIGINT       NOT NULL
) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE TABLE IF NOT EXISTS accounts (
    id      VARCHAR(255) NOT NULL PRIMARY KEY,
    balance BIGINT       NOT NULL
) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE TABLE IF NOT EXISTS goods (
    id      VARCHAR(255) NOT NULL PRIMARY KEY,
    count   BIGINT       NOT NULL,
    version BIGINT       NOT NULL
) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE TABLE IF NOT EXISTS purchase_orders (
    code    VARCHAR(255) NOT NULL,
    account VARCHAR(255) NOT NULL,
    sku     TEXT         NOT NULL,
    status  VARCHAR(32)  NOT NULL,
    UNIQUE KEY code (code)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE TABLE IF NOT EXISTS ledger (
    number BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
    code   VARCHAR(255) NOT NULL,
    entry  TEXT         NOT NULL
) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE TABLE IF NOT EXISTS marks (
    number BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
    phone  VARCHAR(255) NOT NULL,
    event  VARCHAR(32)  NOT NULL,
    text   TEXT         NOT NULL,
    fence  BIGINT       NOT NULL
) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE TABLE IF NOT EXISTS users (
    account VARCHAR(255) NOT NULL,
    id      VARCHAR(255) NOT NULL,
    name    TEXT         NOT NULL,
    PRIMARY KEY (account, id)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE TABLE IF NOT EXISTS runs (operation VARCHAR(64) NOT NULL) CHARACTER SET utf8mb4;
CREATE TABLE IF NOT EXISTS revoked (account VARCHAR(255) NOT NULL PRIMARY KEY)
    CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;";

pub(super) const PAY_IN: &str = "\
INSERT INTO accounts (id, balance) VALUES (?, ?)
ON DUPLICATE KEY UPDATE balance = balance + VALUES(balance)";

// (`INSERT IGNORE` would also cut values that are too long.)
pub(super) const ADD_GOODS: &str = "\
INSERT INTO goods (id, count, version) VALUES (?, ?, 0) ON DUPLICATE KEY UPDATE id = id";

pub(super) const REVOKE: &str = "\
INSERT INTO revoked (account) VALUES (?) ON DUPLICATE KEY UPDATE account = account";

pub(super) const RENAME: &str = "\
INSERT INTO users (account, id, name) VALUES (?, ?, ?) ON DUPLICATE KEY UPDATE name = VALUES(name)";

pub(super) async fn open(url: &str) -> sqlx::Result<MySqlPool> {
    let options: MySqlConnectOptions = url.parse()?;
    let mut first: MySqlConnection = super::first(&options).await?;
    let version: String =
        sqlx::query_scalar("SELECT CAST(VERSION() AS CHAR)").fetch_one(&mut first).await?;
    let of_mysql = SCHEMA.replace("utf8mb4_nopad_bin", "utf8mb4_0900_bin");
    let schema = if version.contains("MariaDB") { SCHEMA } else { &of_mysql };
    let made = sqlx::raw_sql(AssertSqlSafe(schema)).execute(&mut first).await;
    drop(first.close().await);
    let pool = super::pool().connect_with(options).await?;
    super::unless_made!(made, &pool);
    Ok(pool)
}

pub(super) use super::sqlite::sql;
