//! Goods and their counts.

use super::Connection;
use super::database::on;
use serde::Serialize;

/// Goods as they are kept and shown.
#[derive(Clone, Debug, Serialize, sqlx::FromRow)]
pub(crate) struct Goods {
    pub(crate) id: String,
    pub(crate) count: i64,
    pub(crate) version: i64,
}

/// Inserts new goods; existing ones are not changed.
pub(crate) async fn insert(connection: Connection<'_>, id: &str, count: i64) -> sqlx::Result<()> {
    on!(connection, connection, db => {
        let add = sqlx::query(db::sql(db::ADD_GOODS)).bind(id).bind(count);
        add.execute(connection).await.map(drop)
    })
}

pub(crate) async fn set_count(
    connection: Connection<'_>,
    id: &str,
    count: i64,
) -> sqlx::Result<()> {
    on!(connection, connection, db => {
        let update = sqlx::query(db::sql("UPDATE goods SET count = ? WHERE id = ?"));
        update.bind(count).bind(id).execute(connection).await.map(drop)
    })
}

pub(crate) async fn find(connection: Connection<'_>, id: &str) -> sqlx::Result<Option<Goods>> {
    on!(connection, connection, db => {
        let find = sqlx::query_as(db::sql("SELECT id, count, version FROM goods WHERE id = ?"));
        find.bind(id).fetch_optional(connection).await
    })
}
