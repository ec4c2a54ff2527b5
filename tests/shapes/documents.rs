//! Handlers that describe themselves by `OpenAPI`, on either side of the attribute.

use crate::{Order, Routes, post, says};
use actix_web::{Responder, web};
use idempotent_runtime::idempotent;
use idempotent_runtime::openapi::{GUARDS, Guards};
use serde_json::{Value, json, to_value};
use utoipa::{Modify, OpenApi, PartialSchema, ToSchema};

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

    /// A handler without a route macro: method and path are given to `utoipa::path`.
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
    let mut described = operation::<Below>();
    let guard = described.as_object_mut().and_then(|members| members.remove("x-idempotency"));
    assert_eq!(guard.expect("a guard")["strategy"], json!("request_id"));
    assert_eq!(described, written);
    assert_eq!(operation::<Above>(), written);
}

mod guarded {
    use super::{Responder, idempotent};
    use actix_web::put;

    /// Changes a shop.
    #[idempotent(key = "{header.Idempotency-Key}:{cookie.sid}", required = false, within = "5m")]
    #[utoipa::path(responses(
        (status = 200, description = "Changed"),
        (status = 409, description = "It is closed", body = String, content_type = "text/plain"),
    ))]
    #[put("/shops/{shop}/orders")]
    pub(super) async fn change() -> impl Responder {
        "changed"
    }
}

#[actix_web::test]
async fn a_document_has_what_the_guard_reads_and_refuses() {
    static TYPES: Guards = Guards::of_types("https://shop.example/problems/");
    #[derive(OpenApi)]
    #[openapi(paths(guarded::change), modifiers(&TYPES))]
    struct Guarded;

    let document = to_value(Guarded::openapi()).expect("a document is JSON");
    let change = &document["paths"]["/shops/{shop}/orders"]["put"];
    let read = change["parameters"].as_array().expect("parameters");
    let read: Vec<_> =
        read.iter().map(|one| (&one["name"], &one["in"], &one["required"])).collect();
    let [key, session, timestamp] = &read[..] else { panic!("{read:?}") };
    assert_eq!(*key, (&json!("Idempotency-Key"), &json!("header"), &json!(false)));
    assert_eq!(*session, (&json!("sid"), &json!("cookie"), &json!(false)));
    assert_eq!(*timestamp, (&json!("Timestamp"), &json!("header"), &json!(true)));

    let responses = &change["responses"];
    assert!(responses["200"]["headers"]["Idempotency-Replayed"].is_object(), "{responses}");
    let busy = &responses["409"];
    let told = busy["description"].as_str().expect("text");
    assert!(told.starts_with("It is closed\n- `in-progress`: "), "{told}");
    assert!(busy["content"]["text/plain"].is_object(), "{busy}");
    assert!(busy["headers"]["Retry-After"].is_object(), "{busy}");
    let narrowed = &busy["content"]["application/problem+json"]["schema"]["allOf"];
    assert_eq!(narrowed[0]["$ref"], json!("#/components/schemas/IdempotencyProblem"));
    let types = &narrowed[1]["properties"]["type"]["enum"];
    let begin = "https://shop.example/problems/";
    let in_progress = format!("{begin}in-progress");
    assert_eq!(*types, json!([in_progress, format!("{begin}not-replayable")]));
    let names = &busy["headers"]["Idempotency-Problem"]["schema"]["enum"];
    assert_eq!(*names, json!(["in-progress", "not-replayable"]));
    let problem = &document["components"]["schemas"]["IdempotencyProblem"];
    assert_eq!(problem["required"].as_array().map(Vec::len), Some(6), "{problem}");
}

#[actix_web::test]
async fn a_document_is_described_once() {
    let mut document = <Twice as OpenApi>::openapi();
    let once = to_value(&document).expect("a document is JSON");
    GUARDS.modify(&mut document);
    assert_eq!(to_value(&document).expect("a document is JSON"), once);
}

#[derive(OpenApi)]
#[openapi(paths(guarded::change), modifiers(&GUARDS))]
struct Twice;

#[actix_web::test]
async fn a_handler_that_describes_itself_is_guarded() {
    let request = || post("/shops/7/orders");
    says("7: book", |app| app.service(below::create), request).await;
    says("7: book", |app| app.service(above::create), request).await;
    let plain: Routes = |app| app.route("/shops/{shop}/orders", web::post().to(plain::create));
    says("7: book", plain, request).await;
}
