//! The business transaction, for the handlers whose guard stands in it.

use crate::http::app::Idempotency;
use crate::http::serving::{Shared, misconfigured, unguarded};
use actix_web::dev::Payload;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest};
use sqlx::{Database, Transaction};
use std::any::TypeId;
use std::cell::OnceCell;
use std::fmt;
use std::future::{Ready, ready};
use std::ops::{Deref, DerefMut};
use std::rc::Rc;

/// The transaction in which a handler's guard stands: a parameter of the handler.
///
/// What the handler does on it and the record of the request commit together when the response is
/// sent, and not at all when the handler fails, panics, or its process dies. `&mut *tx` is a
/// connection of sqlx. It must not outlive the handler. An extractor of an app's own may hold it.
///
/// On `MySQL` and `MariaDB` a deadlock ends the transaction: a handler must not go on after one. What
/// it does then is committed at once, and its client gets 503.
///
/// ```
/// use actix_web::{Error, HttpResponse, error::ErrorInternalServerError, post};
/// use idempotent_runtime::{Tx, idempotent};
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
    shared: Rc<Shared>,
    transaction: OnceCell<Transaction<'static, DB>>,
}

impl<DB: Database> Tx<DB> {
    /// The transaction begins after the parameters are there, so it is fetched at its first use.
    fn fetch(&self) -> &Transaction<'static, DB> {
        self.transaction.get_or_init(|| {
            let lent = self.shared.lent.take().and_then(|lent| lent.downcast().ok());
            #[expect(clippy::expect_used, reason = "a handler has its Tx only while it runs")]
            *lent.expect("a `Tx` is used in the handler that takes it, and there is one of it")
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
        // A panic unwinds through here, too: then nobody takes it, and it is rolled back.
        if let Some(transaction) = self.transaction.take() {
            self.shared.lent.replace(Some(Box::new(transaction)));
        }
    }
}

impl<DB: Database> fmt::Debug for Tx<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tx<{}>", DB::NAME)
    }
}

impl<DB: Database> FromRequest for Tx<DB> {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let Some(shared) = request.extensions().get::<Rc<Shared>>().cloned() else {
            return ready(Err(unguarded(request, "Tx")));
        };
        let database = request.app_data::<Idempotency>().and_then(Idempotency::database);
        ready(match database.map(|database| (database.kind(), database.describe())) {
            Some((kind, _)) if kind == TypeId::of::<DB>() => {
                shared.takes_transaction.set(true);
                Ok(Self { shared, transaction: OnceCell::new() })
            }
            Some((_, other)) => {
                let wanted = DB::NAME;
                let why =
                    format!("a handler takes `Tx` of {wanted}, and the app's database is {other}");
                Err(misconfigured(request, &why))
            }
            None => {
                let why = "a handler takes `Tx`, and the app has no `.database(pool)`";
                Err(misconfigured(request, why))
            }
        })
    }
}
