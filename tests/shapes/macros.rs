//! Handlers that a macro of the user's writes.

use crate::{Order, post, says};
use actix_web::web::{self, ServiceConfig};
use actix_web::{Responder, post as on_post};
use idempotent_runtime::idempotent;

/// Everything from the macro; everything from outside; the key alone from outside.
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
