//! Handlers that describe themselves by `OpenAPI`, on either side of the attribute.

use crate::{Order, Routes, post, says};
use actix_web::{Responder, web};
use idempotent_runtime::idempotent;
use serde_json::{Value, json, to_value};
use utoipa::{OpenApi, PartialSchema, ToSchema};

impl PartialSchema for Order {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        String::schema()
    }
}

impl ToSchema for Order {}

mod bare {
    use super::{Order, Responder, web};
    use actix_web::post;

    /// Orders a book.
    #[utoipa::path(responses((status = 200)))]
    #[post("/shops/{shop}/orders")]
    pub(super) async fn create(shop: web::Path<u32>, order: web::Json<Order>) -> impl Responder {
        format!("{shop}: {}", order.sku)
    }
}

mod below {
    use super::{Order, Responder, idempotent, web};
    use actix_web::post;

    /// Orders a book.
    #[idempotent(key = "{path.shop}:{order.sku}")]
    #[utoipa::path(responses((status = 200)))]
    #[post("/shops/{shop}/orders")]
    pub(super) async fn create(shop: web::Path<u32>, order: web::Json<Order>) -> impl Responder {
        format!("{shop}: {}", order.sku)
    }
}

mod above {
    use super::{Order, Responder, idempotent, web};
    use actix_web::post;

    /// Orders a book.
    #[utoipa::path(responses((status = 200)))]
    #[post("/shops/{shop}/orders")]
    #[idempotent(key = "{path.shop}:{order.sku}")]
    pub(super) async fn create(shop: web::Path<u32>, order: web::Json<Order>) -> impl Responder {
        format!("{shop}: {}", order.sku)
    }
}

/// The operation of a document, without the name of its module.
fn operation<T: OpenApi>() -> Value {
    let mut document = to_value(T::openapi()).expect("a document is JSON");
    let mut operation = document["paths"]["/shops/{shop}/orders"]["post"].take();
    operation["tags"].take();
    operation
}

mod plain {
    use super::{Order, Responder, idempotent, web};

    /// A handler without a route macro, of which the document is told the rest.
    #[idempotent]
    #[utoipa::path(post, path = "/shops/{shop}/orders", params(("shop" = u32, Path)))]
    pub(super) async fn create(shop: web::Path<u32>, order: web::Json<Order>) -> impl Responder {
        format!("{shop}: {}", order.sku)
    }
}

#[actix_web::test]
async fn a_document_has_the_parameters_and_the_body_of_the_handler() {
    #[derive(OpenApi)]
    #[openapi(paths(bare::create))]
    struct Bare;
    #[derive(OpenApi)]
    #[openapi(paths(below::create))]
    struct Below;
    #[derive(OpenApi)]
    #[openapi(paths(above::create))]
    struct Above;
    #[derive(OpenApi)]
    #[openapi(paths(plain::create))]
    struct Plain;

    let written = operation::<Bare>();
    assert_eq!(written["summary"], json!("Orders a book."));
    for document in [&written, &operation::<Plain>()] {
        let parameter = &document["parameters"][0];
        assert_eq!((&parameter["name"], &parameter["in"]), (&json!("shop"), &json!("path")));
        let body = &document["requestBody"]["content"]["application/json"]["schema"];
        assert_eq!(body["$ref"], json!("#/components/schemas/Order"), "{document}");
    }
    assert_eq!(operation::<Below>(), written);
    assert_eq!(operation::<Above>(), written);
}

#[actix_web::test]
async fn a_handler_that_describes_itself_is_guarded() {
    let request = || post("/shops/7/orders");
    says("7: book", |app| app.service(below::create), request).await;
    says("7: book", |app| app.service(above::create), request).await;
    let plain: Routes = |app| app.route("/shops/{shop}/orders", web::post().to(plain::create));
    says("7: book", plain, request).await;
}
