//! Parameters under a condition (`#[cfg(…)]`), and other attributes of parameters.

use crate::{Order, Routes, post, says};
use actix_web::http::Method;
use actix_web::web::{self, Either};
use actix_web::{Responder, post as on_post};
use idempotent_runtime::message::{MessageError, Messages};
use idempotent_runtime::{MemoryStore, idempotent};

#[on_post("/x")]
#[idempotent(key = "{order.sku}")]
async fn below_a_route(
    #[cfg(test)] order: web::Json<Order>,
    #[cfg(not(test))] order: web::Json<String>,
    #[cfg(any())]
    #[allow(dead_code, reason = "it is not there")]
    never: NoSuchType,
    #[cfg(test)]
    #[cfg(not(any()))]
    #[allow(unused_variables, reason = "as any attribute may stand here")]
    method: Method,
) -> impl Responder {
    order.into_inner().sku
}

#[idempotent]
#[on_post("/x")]
async fn above_a_route(#[cfg(test)] method: Method) -> impl Responder {
    method.to_string()
}

#[actix_web::test]
async fn a_parameter_under_a_condition() {
    says("book", |app| app.service(below_a_route), || post("/x")).await;
    says("POST", |app| app.service(above_a_route), || post("/x")).await;
}

struct Ledger {
    messages: Messages,
}

impl Ledger {
    #[idempotent(strategy = "message", operation = "book", key = "{id}", engine = "self.messages")]
    async fn book(
        &self,
        #[cfg(test)] id: u8,
        #[cfg(not(test))] id: NoSuchType,
        #[cfg(any())] other: u8,
    ) -> Result<u8, MessageError> {
        Ok(id)
    }
}

#[actix_web::test]
async fn a_parameter_of_a_method_under_a_condition() {
    let messages = Messages::builder(MemoryStore::new()).scope("app").build();
    let ledger = Ledger { messages: messages.expect("settings that fit") };
    assert_eq!(ledger.book(7).await.expect("it ran"), 7);
}

#[on_post("/x")]
#[idempotent(key = "{order.sku}")]
async fn either(
    (Either::Left(web::Json(order)) | Either::Right(web::Form(order))): Either<
        web::Json<Order>,
        web::Form<Order>,
    >,
) -> impl Responder {
    order.sku
}

#[actix_web::test]
async fn a_parameter_of_two_patterns() {
    let routes: Routes = |app| app.service(either);
    says("book", routes, || post("/x")).await;
    let form = || {
        let form = post("/x").insert_header(("Content-Type", "application/x-www-form-urlencoded"));
        form.set_payload("sku=form")
    };
    says("form", routes, form).await;
}
