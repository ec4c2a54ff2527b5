//! Accounts of money, inside of a transaction.

use crate::error::ShopError;
use sqlx::SqliteConnection;

/// Pays in, and says what is there now.
pub(crate) async fn add(
    connection: &mut SqliteConnection,
    id: &str,
    amount: u32,
) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "INSERT INTO accounts (id, balance) VALUES (?1, ?2)
         ON CONFLICT (id) DO UPDATE SET balance = balance + excluded.balance
         RETURNING balance",
    )
    .bind(id)
    .bind(amount)
    .fetch_one(connection)
    .await
}

/// Pays out, unless too little is there; says what is left.
pub(crate) async fn take(
    connection: &mut SqliteConnection,
    id: &str,
    amount: u32,
) -> Result<i64, ShopError> {
    let taken = sqlx::query_scalar(
        "UPDATE accounts SET balance = balance - ?2 WHERE id = ?1 AND balance >= ?2
         RETURNING balance",
    );
    let left = taken.bind(id).bind(amount).fetch_optional(connection).await?;
    left.ok_or(ShopError::NotEnoughMoney)
}

/// What is there; nothing, if nobody ever paid in.
pub(crate) async fn balance(
    connection: &mut SqliteConnection,
    id: &str,
) -> sqlx::Result<Option<i64>> {
    let balance = sqlx::query_scalar("SELECT balance FROM accounts WHERE id = ?");
    balance.bind(id).fetch_optional(connection).await
}
