//! Money on accounts, changed inside of a transaction.

use super::database::on;
use super::{Connection, ShopTx};
use crate::error::ShopError;

/// Pays in, and returns the new balance.
pub(crate) async fn add(tx: &mut ShopTx, id: &str, amount: u32) -> Result<i64, ShopError> {
    let amount = i64::from(amount);
    on!(tx.connection(), connection, db => {
        let add = sqlx::query(db::sql(db::PAY_IN)).bind(id).bind(amount);
        add.execute(connection).await?;
    });
    balance(tx.connection(), id).await?.ok_or(ShopError::NotFound("account"))
}

/// Pays out, unless the balance is too low; returns the new balance.
pub(crate) async fn take(tx: &mut ShopTx, id: &str, amount: u32) -> Result<i64, ShopError> {
    let amount = i64::from(amount);
    let taken = on!(tx.connection(), connection, db => {
        let take = "UPDATE accounts SET balance = balance - ? WHERE id = ? AND balance >= ?";
        let take = sqlx::query(db::sql(take)).bind(amount).bind(id).bind(amount);
        take.execute(connection).await?.rows_affected()
    });
    if taken == 0 {
        return Err(ShopError::NotEnoughMoney);
    }
    balance(tx.connection(), id).await?.ok_or(ShopError::NotFound("account"))
}

/// Pays from one account to the other; returns the new balance of the first.
pub(crate) async fn transfer(
    tx: &mut ShopTx,
    (from, to): (&str, &str),
    amount: u32,
) -> Result<i64, ShopError> {
    // Rows are locked in one order, so that two accounts that pay each other do not deadlock.
    if from < to {
        take(tx, from, amount).await?;
        add(tx, to, amount).await?;
    } else {
        add(tx, to, amount).await?;
        take(tx, from, amount).await?;
    }
    balance(tx.connection(), from).await?.ok_or(ShopError::NotFound("account"))
}

/// The balance; `None` if nobody ever paid in.
pub(crate) async fn balance(connection: Connection<'_>, id: &str) -> sqlx::Result<Option<i64>> {
    on!(connection, connection, db => {
        let find = sqlx::query_scalar(db::sql("SELECT balance FROM accounts WHERE id = ?"));
        find.bind(id).fetch_optional(connection).await
    })
}
