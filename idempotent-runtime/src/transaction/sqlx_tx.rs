//! The transaction that sqlx counts on a connection: its beginning, its end, and errors if there is none.

use crate::error::{StoreError, StoreErrorKind};
use crate::store::sql::failed;
use crate::transaction::dialect::{ConnectionOf, Dialect, TxEnd};
use crate::transaction::steps::RecordExchange;
use crate::transaction::tx_connection::TxConnection;
use sqlx::{AssertSqlSafe, Database, SqlSafeStr};
use sqlx_core::transaction::TransactionManager;

/// The statements with which sqlx begins and ends transactions of a dialect's database.
type TransactionsOf<D> = <<D as Dialect>::Sqlx as Database>::TransactionManager;

/// Begins a transaction by these statements.
pub(super) async fn begin<D: Dialect>(
    connection: &mut ConnectionOf<D>,
    statements: String,
) -> Result<(), sqlx::Error> {
    let statements = AssertSqlSafe(statements).into_sql_str();
    TransactionsOf::<D>::begin(connection, Some(statements)).await
}

/// Ends a transaction, by these statements if there are some.
pub(super) async fn end_on<D: Dialect>(
    connection: &mut TxConnection<D::Sqlx>,
    end: TxEnd,
    statements: Option<String>,
) -> Result<(), sqlx::Error> {
    if end == TxEnd::Commit {
        connection.watch.commits();
    }
    match (statements, end) {
        (Some(statements), _) => {
            D::execute(connection, statements).await?;
            // The transaction has ended already.
            forget::<D>(connection);
            Ok(())
        }
        (None, TxEnd::Commit) => TransactionsOf::<D>::commit(connection).await,
        // What was sent with its beginning failed, so sqlx does not know of it.
        (None, TxEnd::Rollback) if TransactionsOf::<D>::get_transaction_depth(connection) == 0 => {
            D::execute(connection, end.name().to_owned()).await
        }
        (None, TxEnd::Rollback) => TransactionsOf::<D>::rollback(connection).await,
    }
}

/// Replaces the record and ends the transaction in one round trip, if the database can.
pub(super) async fn replace_and_end<D: Dialect>(
    dialect: &D,
    connection: &mut ConnectionOf<D>,
    exchange: RecordExchange<'_>,
    end: String,
) -> Option<Result<(), StoreError>> {
    let replaced = dialect.replace_and_end(connection, exchange, end)?.await;
    let ended = replaced.map_err(|error| failed("complete", error));
    let ended = ended.and_then(|replaced| replaced.then_some(()).ok_or_else(record_gone));
    if ended.is_ok() {
        forget::<D>(connection);
    }
    Some(ended)
}

/// Tells sqlx that the transaction is over. sqlx sends a `ROLLBACK` before the next statement.
pub(super) fn forget<D: Dialect>(connection: &mut ConnectionOf<D>) {
    TransactionsOf::<D>::start_rollback(connection);
}

/// The error if the database rolled back by itself.
pub(super) fn ended_by_itself(operation: &'static str) -> StoreError {
    StoreError::new(StoreErrorKind::Aborted, operation).because("everything is rolled back")
}

/// The error if the handler deleted or changed the record of its own transaction.
pub(super) fn record_gone() -> StoreError {
    let gone = "the record of this transaction is gone before its end";
    StoreError::new(StoreErrorKind::Corrupt, "complete").because(gone)
}

/// The error if a handler keeps its `Tx` longer than its request.
pub(super) fn not_given_back() -> StoreError {
    StoreError::new(StoreErrorKind::Rejected, "transaction")
        .because("the handler did not give its `Tx` back: it must not outlive the handler")
}
