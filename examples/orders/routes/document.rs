//! The shop's `OpenAPI` document, and a page to read it.

use super::{accounts, goods, orders, purchase_orders, reports, sms, token, users};
use crate::account::COOKIE;
use actix_web::{HttpResponse, Responder, get};
use idempotent_runtime::openapi::GUARDS;
use utoipa::openapi::OpenApi as OpenApiDocument;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

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
    modifiers(&GUARDS, &Callers),
    security(("credential" = []), ("secret" = []), ("page" = []))
)]
struct Document;

/// The ways in which a caller says who it is: one of them is enough.
struct Callers;

impl Modify for Callers {
    fn modify(&self, api: &mut OpenApiDocument) {
        let schemes = api.components.get_or_insert_default();
        let credential = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        schemes.add_security_scheme("credential", credential);
        let secret = ApiKey::Header(ApiKeyValue::new("secret"));
        schemes.add_security_scheme("secret", SecurityScheme::ApiKey(secret));
        let cookie = ApiKey::Cookie(ApiKeyValue::new(COOKIE));
        schemes.add_security_scheme("page", SecurityScheme::ApiKey(cookie));
    }
}

/// The document.
#[get("/openapi.json")]
pub(crate) async fn document() -> impl Responder {
    HttpResponse::Ok().json(Document::openapi())
}

/// The page. It loads nothing but the document.
#[get("/docs")]
pub(crate) async fn page() -> impl Responder {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .body(include_str!("../document.html"))
}
