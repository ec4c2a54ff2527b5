//! Handlers that a unit test calls as functions, without their guard.

#![deny(
    dead_code,
    deprecated,
    missing_docs,
    non_snake_case,
    unfulfilled_lint_expectations,
    unreachable_pub,
    unused,
    reason = "the form for direct calls draws no lint of its own"
)]

use crate::returns::Refused;
use crate::{Order, post, says};
use actix_web::{HttpResponse, Responder, post as on_post, web};
use idempotent_runtime::idempotent;

#[idempotent]
async fn create(order: web::Json<Order>) -> impl Responder {
    HttpResponse::Created().body(order.into_inner().sku)
}

#[idempotent(key = "{first.sku}{second}")]
#[expect(unused_variables, reason = "only its key reads it")]
async fn of_two(
    web::Json(first): web::Json<Order>,
    mut second: web::Path<u8>,
) -> Result<String, Refused> {
    *second += 1;
    Ok(second.to_string())
}

/// It calls itself, which means the user's function.
#[idempotent]
pub(crate) async fn counting(order: web::Json<Order>) -> String {
    match order.sku.len() {
        6.. => order.into_inner().sku,
        _ => Box::pin(counting(web::Json(Order { sku: format!("{}!", order.sku) }))).await,
    }
}

#[deprecated = "for the test"]
type OldOrder = web::Json<Order>;

#[idempotent]
#[expect(deprecated, non_snake_case, reason = "its clients still send it, by its name")]
async fn createOld(order: OldOrder) -> String {
    order.into_inner().sku
}

#[idempotent]
async fn r#try() -> &'static str {
    "tried"
}

/// With a route macro below, it is not a function any more, so no test calls it.
#[on_post("/x")]
#[idempotent]
async fn on_a_route(order: web::Json<Order>) -> String {
    order.into_inner().sku
}

#[idempotent]
#[on_post("/x")]
async fn above_a_route(order: web::Json<Order>) -> String {
    order.into_inner().sku
}

fn order(sku: &str) -> web::Json<Order> {
    web::Json(Order { sku: sku.to_owned() })
}

#[actix_web::test]
async fn a_direct_call_is_that_of_the_function() {
    let request = actix_web::test::TestRequest::default().to_http_request();
    let response = create_unguarded(order("book")).await.respond_to(&request);
    assert_eq!(response.status().as_u16(), 201);
    assert_eq!(of_two_unguarded(order("book"), 6.into()).await.expect("it ran"), "7");
    assert_eq!(counting_unguarded(order("book")).await, "book!!");
    assert_eq!(createOld_unguarded(order("book")).await, "book");
    assert_eq!(try_unguarded().await, "tried");
}

#[actix_web::test]
async fn beside_it_each_is_guarded() {
    let routes: crate::Routes = |app| app.route("/x/{second}", web::post().to(of_two));
    says("7", routes, || post("/x/6")).await;
    says("book!!", |app| app.route("/x", web::post().to(counting)), || post("/x")).await;
    says("book", |app| app.route("/x", web::post().to(createOld)), || post("/x")).await;
    says("tried", |app| app.route("/x", web::post().to(r#try)), || post("/x")).await;
    says("book", |app| app.service(on_a_route), || post("/x")).await;
    says("book", |app| app.service(above_a_route), || post("/x")).await;
    let routes: crate::Routes = |app| app.route("/x", web::post().to(create));
    assert_eq!(crate::twice(routes, || post("/x")).await.status.as_u16(), 201);
}
