//! Lints look at a handler as if it had no attribute.

#![deny(
    dead_code,
    deprecated,
    non_snake_case,
    unfulfilled_lint_expectations,
    unreachable_pub,
    unused,
    reason = "what is allowed or expected below is so in the whole handler"
)]

use crate::{Order, guard, post, says};
use actix_web::web;
use actix_web::{Responder, post as on_post};
use idempotent_runtime::message::MessageError;
use idempotent_runtime::{Idempotency, idempotent};

#[deprecated = "for the test"]
type OldOrder = web::Json<Order>;

#[on_post("/x")]
#[idempotent]
#[allow(deprecated, reason = "its clients still send it")]
async fn with_an_old_parameter(order: OldOrder) -> impl Responder {
    order.into_inner().sku
}

#[idempotent]
#[allow(dead_code, reason = "no route leads here")]
async fn without_a_route() -> impl Responder {
    "never"
}

#[idempotent]
#[allow(non_snake_case, reason = "it has the name of its operation")]
async fn createOrder(order: web::Json<Order>) -> impl Responder {
    order.into_inner().sku
}

#[idempotent]
#[expect(non_snake_case, unused_variables, reason = "both are so")]
async fn createNothing(order: web::Json<Order>) -> impl Responder {
    let unused = 7;
    "nothing"
}

mod seen {
    use actix_web::Responder;
    use idempotent_runtime::idempotent;

    #[idempotent]
    #[allow(unreachable_pub, reason = "it is moved where others see it")]
    pub async fn undocumented() -> impl Responder {
        "undocumented"
    }
}

#[actix_web::test]
async fn levels_of_lints_are_for_the_whole_handler() {
    says("book", |app| app.service(with_an_old_parameter), || post("/x")).await;
    says("book", |app| app.route("/x", web::post().to(createOrder)), || post("/x")).await;
    says("nothing", |app| app.route("/x", web::post().to(createNothing)), || post("/x")).await;
    let routes: crate::Routes = |app| app.route("/x", web::post().to(seen::undocumented));
    says("undocumented", routes, || post("/x")).await;
}

#[rustfmt::skip] // which would make several lines of it
#[idempotent(strategy = "message", engine = "engine", key = "{id}", scope = "{id}")]
async fn of_one_line(engine: &Idempotency, id: u8) -> Result<u8, MessageError> { Ok(id) }

#[idempotent(strategy = "message", engine = "engine", key = "{id}", scope = "{id}")]
#[expect(unused_variables, reason = "it is so")]
async fn of_two_lines(engine: &Idempotency, id: u8) -> Result<u8, MessageError> {
    #![allow(clippy::unused_async, reason = "attributes may stand inside, too")]
    let unused = 7;
    Ok(id)
}

#[actix_web::test]
async fn bodies_of_functions_draw_no_lint_of_their_own() {
    let guard = guard();
    assert_eq!(of_one_line(&guard, 7).await.expect("it ran"), 7);
    assert_eq!(of_two_lines(&guard, 8).await.expect("it ran"), 8);
}
