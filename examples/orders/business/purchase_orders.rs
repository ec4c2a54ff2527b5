//! Purchase orders and the ledger of their steps.

use super::Connection;
use super::database::on;

/// A purchase order as it is kept.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct PurchaseOrder {
    pub(crate) code: String,
    pub(crate) sku: String,
    pub(crate) status: String,
}

pub(crate) async fn insert(
    connection: Connection<'_>,
    account: &str,
    code: &str,
    sku: &str,
) -> sqlx::Result<()> {
    on!(connection, connection, db => {
        let insert = "INSERT INTO purchase_orders (code, account, sku, status) VALUES (?, ?, ?, 'created')";
        let insert = sqlx::query(db::sql(insert)).bind(code).bind(account).bind(sku);
        insert.execute(connection).await.map(drop)
    })
}

/// A purchase order of an account.
pub(crate) async fn find(
    connection: Connection<'_>,
    account: &str,
    code: &str,
) -> sqlx::Result<Option<PurchaseOrder>> {
    on!(connection, connection, db => {
        let find = "SELECT code, sku, status FROM purchase_orders WHERE code = ? AND account = ?";
        sqlx::query_as(db::sql(find)).bind(code).bind(account).fetch_optional(connection).await
    })
}

/// Notes a step in the ledger.
pub(crate) async fn note(connection: Connection<'_>, code: &str, entry: &str) -> sqlx::Result<()> {
    on!(connection, connection, db => {
        let insert = sqlx::query(db::sql("INSERT INTO ledger (code, entry) VALUES (?, ?)"));
        insert.bind(code).bind(entry).execute(connection).await.map(drop)
    })
}

/// Every step, oldest first.
pub(crate) async fn ledger(connection: Connection<'_>, code: &str) -> sqlx::Result<Vec<String>> {
    on!(connection, connection, db => {
        let find = "SELECT entry FROM ledger WHERE code = ? ORDER BY number";
        sqlx::query_scalar(db::sql(find)).bind(code).fetch_all(connection).await
    })
}
