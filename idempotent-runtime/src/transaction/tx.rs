//! The business transaction, for handlers and functions whose guard stands in it.

use crate::transaction::tx_connection::TxConnection;
use crate::transaction::tx_slot::TxSlot;
use sqlx::Database;
use std::cell::OnceCell;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

/// The transaction in which a handler's guard stands: a parameter of the handler.
///
/// The handler's statements on it and the record of the request commit together before the response is
/// sent. If the handler fails, panics, or its process dies, neither commits. `&mut *tx` is a
/// connection of sqlx. A `Tx` must not outlive the handler. An extractor of your own may hold it.
///
/// `SQLite` ends a transaction by itself on `RAISE(ROLLBACK)`, `OR ROLLBACK`, a full disk or an I/O
/// error. Nothing that the handler does afterwards is committed: the database refuses it, and the client
/// gets 503. For this, the connection has a commit and a rollback hook of this crate while the handler
/// has it. They replace hooks that an app may have set; afterwards the connection has none.
///
/// On `MySQL` and `MariaDB` a deadlock ends the transaction. If the handler goes on, its
/// later statements are rolled back and the client gets 503. DDL and a procedure that commits end the
/// transaction, too, and earlier writes stay committed: keep them out of handlers. Later writes are rolled back,
/// and the client and its retries get 409 `outcome-unknown`, since nobody knows which part is missing.
///
/// A function with `strategy = "message"` can have one, too: the attribute removes the parameter from
/// the signature and fills it in, so callers leave it out.
///
/// The attribute recognises a `Tx` by the last word of its type, with one type as its argument. Mark the parameter
/// by `#[tx]` if the type has another name, as after `use … Tx as Transaction`, and by `#[tx(false)]` if a
/// type named `Tx` is your own.
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

/// A [`Tx`] of any database, for the code that the attribute generates.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `Tx` of `idempotent_runtime::transaction`",
    label = "its name or its mark says that it is the business transaction",
    note = "if the parameter is an argument of your own, mark it: `#[tx(false)]`"
)]
pub trait BusinessTx: Sized {
    /// The database of the transaction.
    type Database: Database;

    /// Creates a `Tx` that takes its transaction from this slot when it is first used.
    fn in_slot(slot: TxSlot) -> Self;
}

impl<DB: Database> BusinessTx for Tx<DB> {
    type Database = DB;

    fn in_slot(slot: TxSlot) -> Self {
        Self::of(slot)
    }
}

/// Says at compile time whether a type is a [`Tx`]: `IsTx::<T>::IS_TX`.
pub struct IsTx<T>(PhantomData<T>);

/// All types other than `Tx`. For a `Tx`, the constant of `IsTx` itself is used before this one.
pub trait NoTx {
    /// The type is not a `Tx`.
    const IS_TX: bool = false;
}

impl<T> NoTx for IsTx<T> {}

impl<DB: Database> IsTx<Tx<DB>> {
    /// The type is a `Tx`.
    pub const IS_TX: bool = true;
}

impl<DB: Database> Tx<DB> {
    /// Creates a `Tx` that takes its transaction from this slot when it is first used.
    pub(crate) const fn of(slot: TxSlot) -> Self {
        Self { slot, connection: OnceCell::new() }
    }

    /// The transaction's connection. The transaction begins after the extractors, so it is fetched at its first use.
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
