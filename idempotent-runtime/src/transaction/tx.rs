//! The business transaction, for the handlers and functions whose guard stands in it.

use crate::transaction::tx_connection::TxConnection;
use crate::transaction::tx_slot::TxSlot;
use sqlx::Database;
use std::cell::OnceCell;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

/// The transaction in which a handler's guard stands: a parameter of the handler.
///
/// The handler's statements on it and the record of the request commit together when the response is
/// sent, and not at all when the handler fails, panics, or its process dies. `&mut *tx` is a
/// connection of sqlx. It must not outlive the handler. An extractor of an app's own may hold it.
///
/// `SQLite` ends a transaction by itself on `RAISE(ROLLBACK)`, `OR ROLLBACK`, a full disk or an I/O
/// error. Nothing that the handler does afterwards is committed: the database refuses it, and the client
/// gets 503. To that end the connection has a commit and a rollback hook of this crate while the handler
/// has it, in place of those that an app may have set; afterwards it has none.
///
/// On `MySQL` and `MariaDB` a deadlock ends the transaction. If the handler goes on all the same, its
/// later statements are rolled back and the client gets 503. DDL and a procedure that commits end it,
/// too, and what was done before stays: keep them out of handlers. What is done afterwards is rolled back,
/// and the client and its retries get 409 `outcome-unknown`: nobody knows what is missing.
///
/// A function with `strategy = "message"` can have one, too: the attribute removes the parameter from
/// the signature and fills it in, so callers leave it out.
///
/// The attribute knows it by the last word of its type, `Tx`, with one type as its argument. `#[tx]` before
/// the parameter says so where it has another name, as by `use … Tx as Transaction`, and `#[tx(false)]` that a
/// type of your own named `Tx` is none.
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
///         .map_err(|_| ErrorInternalServerError("the deposit is not stored"))?;
///     Ok(HttpResponse::Created().finish())
/// }
/// ```
pub struct Tx<DB: Database> {
    slot: TxSlot,
    connection: OnceCell<TxConnection<DB>>,
}

/// A [`Tx`] of whichever database, as generated code takes it from a guarded function.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `Tx` of `idempotent_runtime::transaction`",
    label = "it is taken for the business transaction by its name or mark",
    note = "mark the parameter that is an argument of your own: `#[tx(false)]`"
)]
pub trait BusinessTx: Sized {
    /// The database of the transaction.
    type Database: Database;

    /// Takes its transaction from this slot when it is first used.
    fn in_slot(slot: TxSlot) -> Self;
}

impl<DB: Database> BusinessTx for Tx<DB> {
    type Database = DB;

    fn in_slot(slot: TxSlot) -> Self {
        Self::of(slot)
    }
}

/// Tells of a type whether it is a [`Tx`], as the code is compiled: `IsTx::<T>::IS_TX`.
pub struct IsTx<T>(PhantomData<T>);

/// All types but `Tx`: what a type says itself goes before what a trait says of all.
pub trait NoTx {
    /// It is none.
    const IS_TX: bool = false;
}

impl<T> NoTx for IsTx<T> {}

impl<DB: Database> IsTx<Tx<DB>> {
    /// It is one.
    pub const IS_TX: bool = true;
}

impl<DB: Database> Tx<DB> {
    /// Takes its transaction from this slot when it is first used.
    pub(crate) const fn of(slot: TxSlot) -> Self {
        Self { slot, connection: OnceCell::new() }
    }

    /// The transaction begins after the parameters are there, so it is fetched at its first use.
    fn fetch(&self) -> &TxConnection<DB> {
        self.connection.get_or_init(|| {
            let connection = self.slot.take().and_then(|connection| connection.downcast().ok());
            #[expect(clippy::expect_used, reason = "a handler has its Tx only while it runs")]
            *connection
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
        self.connection.get_mut().expect("it is there")
    }
}

impl<DB: Database> Drop for Tx<DB> {
    fn drop(&mut self) {
        // A panic unwinds through here, too.
        if let Some(connection) = self.connection.take() {
            self.slot.put(Box::new(connection));
        }
    }
}

impl<DB: Database> fmt::Debug for Tx<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tx<{}>", DB::NAME)
    }
}
