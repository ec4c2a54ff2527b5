//! Accounts of money, inside of a transaction.

use super::database::on;
use super::{Connection, ShopTx};
use crate::error::ShopError;

/// Pays in, and says what is there now.
pub(crate) async fn add(tx: &mut ShopTx, id: &str, amount: u32) -> Result<i64, ShopError> {
    let amount = i64::from(amount);
    on!(tx.connection(), connection, db => {
        let add = sqlx::query(db::sql(db::PAY_IN)).bind(id).bind(amount);
        add.execute(connection).await?;
    });
    balance(tx.connection(), id).await?.ok_or(ShopError::NotFound("account"))
}

/// Pays out, unless too little is there; says what is left.
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

/// Pays from one to the other; says what the first has then.
pub(crate) async fn transfer(
    tx: &mut ShopTx,
    (from, to): (&str, &str),
    amount: u32,
) -> Result<i64, ShopError> {
    // In one order, so that of two that pay each other neither waits for what the other has.
    if from < to {
        take(tx, from, amount).await?;
        add(tx, to, amount).await?;
    } else {
        add(tx, to, amount).await?;
        take(tx, from, amount).await?;
    }
    balance(tx.connection(), from).await?.ok_or(ShopError::NotFound("account"))
}

/// The balance; nothing, if nobody ever paid in.
pub(crate) async fn balance(connection: Connection<'_>, id: &str) -> sqlx::Result<Option<i64>> {
    on!(connection, connection, db => {
        let find = sqlx::query_scalar(db::sql("SELECT balance FROM accounts WHERE id = ?"));
        find.bind(id).fetch_optional(connection).await
    })
}
