//! The business transaction, for the handlers and functions whose guard stands in it.

use crate::transaction::in_runtime::InRuntime;
use crate::transaction::tx_slot::TxSlot;
use sqlx::{Database, Transaction};
use std::cell::OnceCell;
use std::fmt;
use std::ops::{Deref, DerefMut};

/// The transaction in which a handler's guard stands: a parameter of the handler.
///
/// The handler's statements on it and the record of the request commit together when the response is
/// sent, and not at all when the handler fails, panics, or its process dies. `&mut *tx` is a
/// connection of sqlx. It must not outlive the handler. An extractor of an app's own may hold it.
///
/// On `MySQL` and `MariaDB` a deadlock ends the transaction. If the handler goes on all the same, its
/// later statements are rolled back and the client gets 503.
///
/// A function with `strategy = "message"` can have one, too: the attribute removes the parameter from
/// the signature and fills it in, so callers leave it out.
///
/// ```
/// use actix_web::{Error, HttpResponse, error::ErrorInternalServerError, post};
/// use idempotent_runtime::transaction::Tx;
/// use idempotent_runtime::idempotent;
/// use sqlx::Sqlite;
///
/// #[post("/deposits")]
/// #[idempotent(strategy = "dedup_table")]
/// async fn deposit(mut tx: Tx<Sqlite>) -> Result<HttpResponse, Error> {
///     sqlx::query("UPDATE accounts SET balance = balance + 1")
///         .execute(&mut *tx)
///         .await
///         .map_err(ErrorInternalServerError)?;
///     Ok(HttpResponse::Created().finish())
/// }
/// ```
pub struct Tx<DB: Database> {
    slot: TxSlot,
    transaction: OnceCell<InRuntime<Transaction<'static, DB>>>,
}

impl<DB: Database> Tx<DB> {
    /// Takes its transaction from this slot when it is first used.
    pub(crate) const fn of(slot: TxSlot) -> Self {
        Self { slot, transaction: OnceCell::new() }
    }

    /// The transaction begins after the parameters are there, so it is fetched at its first use.
    fn fetch(&self) -> &InRuntime<Transaction<'static, DB>> {
        self.transaction.get_or_init(|| {
            let transaction = self.slot.take().and_then(|transaction| transaction.downcast().ok());
            #[expect(clippy::expect_used, reason = "a handler has its Tx only while it runs")]
            *transaction
                .expect("a `Tx` is used in the handler that takes it, and there is one of it")
        })
    }
}

impl<DB: Database> Deref for Tx<DB> {
    type Target = DB::Connection;

    fn deref(&self) -> &DB::Connection {
        self.fetch()
    }
}

impl<DB: Database> DerefMut for Tx<DB> {
    fn deref_mut(&mut self) -> &mut DB::Connection {
        self.fetch();
        #[expect(clippy::expect_used, reason = "it was fetched in the line above")]
        self.transaction.get_mut().expect("it is there")
    }
}

impl<DB: Database> Drop for Tx<DB> {
    fn drop(&mut self) {
        // A panic unwinds through here, too.
        if let Some(transaction) = self.transaction.take() {
            self.slot.put(Box::new(transaction));
        }
    }
}

impl<DB: Database> fmt::Debug for Tx<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tx<{}>", DB::NAME)
    }
}
