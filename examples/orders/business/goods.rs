//! Goods and how many there are.

use serde::Serialize;
use sqlx::SqliteConnection;

/// Goods as they are kept and shown.
#[derive(Clone, Debug, Serialize, sqlx::FromRow)]
pub(crate) struct Goods {
    pub(crate) id: String,
    pub(crate) count: i64,
    pub(crate) version: i64,
}

/// New goods; those that are there stay as they are.
pub(crate) async fn insert(
    connection: &mut SqliteConnection,
    id: &str,
    count: i64,
) -> sqlx::Result<()> {
    let insert = "INSERT INTO goods (id, count, version) VALUES (?, ?, 0) ON CONFLICT DO NOTHING";
    sqlx::query(insert).bind(id).bind(count).execute(connection).await.map(drop)
}

pub(crate) async fn set_count(
    connection: &mut SqliteConnection,
    id: &str,
    count: i64,
) -> sqlx::Result<()> {
    let update = sqlx::query("UPDATE goods SET count = ? WHERE id = ?");
    update.bind(count).bind(id).execute(connection).await.map(drop)
}

pub(crate) async fn find(
    connection: &mut SqliteConnection,
    id: &str,
) -> sqlx::Result<Option<Goods>> {
    let find = sqlx::query_as("SELECT id, count, version FROM goods WHERE id = ?");
    find.bind(id).fetch_optional(connection).await
}
