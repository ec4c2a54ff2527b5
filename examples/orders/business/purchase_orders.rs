//! Purchase orders and the ledger of their steps.

use sqlx::SqliteConnection;

/// A purchase order as it is kept.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct PurchaseOrder {
    pub(crate) code: String,
    pub(crate) sku: String,
    pub(crate) status: String,
}

pub(crate) async fn insert(
    connection: &mut SqliteConnection,
    code: &str,
    sku: &str,
) -> sqlx::Result<()> {
    let insert = "INSERT INTO purchase_orders (code, sku, status) VALUES (?, ?, 'created')";
    sqlx::query(insert).bind(code).bind(sku).execute(connection).await.map(drop)
}

pub(crate) async fn find(
    connection: &mut SqliteConnection,
    code: &str,
) -> sqlx::Result<Option<PurchaseOrder>> {
    let find = sqlx::query_as("SELECT code, sku, status FROM purchase_orders WHERE code = ?");
    find.bind(code).fetch_optional(connection).await
}

/// Notes a step in the ledger.
pub(crate) async fn note(
    connection: &mut SqliteConnection,
    code: &str,
    entry: &str,
) -> sqlx::Result<()> {
    let insert = sqlx::query("INSERT INTO ledger (code, entry) VALUES (?, ?)");
    insert.bind(code).bind(entry).execute(connection).await.map(drop)
}

/// Every step, oldest first.
pub(crate) async fn ledger(
    connection: &mut SqliteConnection,
    code: &str,
) -> sqlx::Result<Vec<String>> {
    let entries = sqlx::query_scalar("SELECT entry FROM ledger WHERE code = ? ORDER BY number");
    entries.bind(code).fetch_all(connection).await
}
