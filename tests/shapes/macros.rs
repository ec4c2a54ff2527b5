//! Handlers and functions that a user's macro writes.

use crate::{Order, guard, post, says};
use actix_web::web::{self, ServiceConfig};
use actix_web::{Responder, post as on_post};
use idempotent_runtime::message::MessageError;
use idempotent_runtime::transaction::Tx;
use idempotent_runtime::{Idempotency, idempotent};
use sqlx::Sqlite;

/// The macro writes everything; everything is given to it; only the key is given to it.
macro_rules! handlers {
    ($name:ident, $path:literal, $key:literal, $order:ident: $kind:ty, $ttl:expr) => {
        #[on_post("/own")]
        #[idempotent(key = "{order.sku}", ttl = "1h")]
        async fn own(order: web::Json<Order>) -> impl Responder {
            order.into_inner().sku
        }

        #[on_post($path)]
        #[idempotent(key = $key, ttl = $ttl)]
        async fn $name($order: $kind) -> impl Responder {
            $order.into_inner().sku
        }
    };
}

handlers!(given, "/given", "{order.sku}", order: web::Json<Order>, "2h");

#[actix_web::test]
async fn handlers_that_a_macro_writes() {
    says("book", |app| app.service(own), || post("/own")).await;
    says("book", |app: &mut ServiceConfig| app.service(given), || post("/given")).await;
}

/// Attributes, a return type and a body are given to the macro.
macro_rules! of_parts {
    ($(#[$meta:meta])* $name:ident, $strategy:literal, -> $returned:ty, $body:block) => {
        $(#[$meta])*
        #[on_post("/x")]
        #[idempotent(strategy = $strategy)]
        $(#[$meta])*
        async fn $name() -> $returned $body
    };
    ($name:ident, $order:pat => $kind:ty, -> $($returned:tt)*) => {
        #[on_post("/x")]
        #[idempotent]
        async fn $name($order: $kind) -> $($returned)* {
            "of tokens"
        }
    };
}

of_parts!(
    #[allow(unused_variables, reason = "a body may have some")]
    of_a_block,
    "request_id",
    -> &'static str,
    {
        let unused = 7;
        "of a block"
    }
);
of_parts!(of_tokens, web::Json(_order) => web::Json<Order>, -> impl Responder);

#[actix_web::test]
async fn handlers_of_parts_that_a_macro_was_given() {
    says("of a block", |app| app.service(of_a_block), || post("/x")).await;
    says("of tokens", |app| app.service(of_tokens), || post("/x")).await;
}

/// A function whose every part is given to the macro, and one of which only the body is given.
macro_rules! functions {
    (
        $(#[$meta:meta])*
        fn $name:ident($($parameter:ident: $kind:ty),*) -> $returned:ty,
        $engine:literal, $key:literal, $operation:expr, $body:block
    ) => {
        $(#[$meta])*
        #[idempotent(
            strategy = "message", engine = $engine, key = $key, operation = $operation,
            scope = "{id}"
        )]
        async fn $name($($parameter: $kind),*) -> $returned $body
    };
    ($name:ident, $tx:ty, $($body:tt)*) => {
        #[idempotent(strategy = "message", engine = "engine", key = "{id}", scope = "{id}")]
        async fn $name(engine: &Idempotency, id: u8, _tx: $tx) -> Result<String, MessageError> {
            $($body)*
        }
    };
}

functions!(
    /// Documented.
    #[allow(clippy::unused_async, reason = "it has nothing to wait for")]
    fn outside(engine: &Idempotency, id: u8) -> Result<u8, MessageError>,
    "engine", "{id}", "outside", { Ok(id) }
);
functions!(in_transaction, Tx<Sqlite>, Ok("never".to_owned()));

#[actix_web::test]
async fn functions_that_a_macro_writes() {
    let guard = guard();
    assert_eq!(outside(&guard, 7).await.expect("it ran"), 7);
    assert_eq!(guard.counts().ran, 1);
    // The transaction is left out, as in a function without a macro; here there is no database.
    let refused = in_transaction(&guard, 7).await;
    assert!(matches!(refused, Err(MessageError::Misconfigured(_))), "{refused:?}");
}
