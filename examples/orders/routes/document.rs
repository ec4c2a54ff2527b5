//! The shop as a document of `OpenAPI`, and a page to read it.

use super::{accounts, goods, orders, purchase_orders, reports, sms, token, users};
use actix_web::{HttpResponse, Responder, get};
use idempotent_runtime::openapi::GUARDS;
use utoipa::OpenApi;

/// Every guarded route, with what its guard reads and refuses.
#[derive(OpenApi)]
#[openapi(
    info(title = "orders", description = "A shop in which every request can be sent again"),
    paths(
        orders::create_order,
        orders::create_order_or_wait,
        token::create,
        accounts::deposit,
        accounts::transfer,
        accounts::withdraw,
        goods::update,
        purchase_orders::create,
        purchase_orders::pay,
        purchase_orders::complete,
        purchase_orders::cancel,
        reports::create,
        reports::create_once,
        sms::send,
        users::show
    ),
    modifiers(&GUARDS)
)]
struct Document;

/// The document.
#[get("/openapi.json")]
pub(crate) async fn document() -> impl Responder {
    HttpResponse::Ok().json(Document::openapi())
}

/// The page, which asks for nothing but the document.
#[get("/docs")]
pub(crate) async fn page() -> impl Responder {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .body(include_str!("../document.html"))
}
