//! Names that could collide with names of generated code.

use crate::{Order, answer, guard, post, says};
use actix_web::test::{TestRequest, init_service};
use actix_web::web;
use actix_web::{App, Responder, post as on_post};
use idempotent_runtime::idempotent;
use idempotent_runtime::token::issue_token;

/// A parameter and its function have the same name; a route macro would not allow that.
#[idempotent(key = "{order.sku}")]
async fn order(order: web::Json<Order>) -> impl Responder {
    order.into_inner().sku
}

#[on_post("/x")]
#[idempotent(key = "{call.sku}{policy}")]
async fn serve(
    call: web::Json<Order>,
    web::Query(Policy { policy }): web::Query<Policy>,
) -> impl Responder {
    format!("{}{policy}", call.sku)
}

#[derive(serde::Deserialize)]
struct Policy {
    policy: String,
}

#[on_post("/x")]
#[idempotent(key = "{r#type.sku}")]
async fn r#move(r#type: web::Json<Order>) -> impl Responder {
    r#type.into_inner().sku
}

/// The function calls itself, which means the user's function and not the one that actix sees.
#[on_post("/x")]
#[idempotent]
async fn counting(order: web::Json<Order>) -> String {
    match order.sku.len() {
        6.. => order.into_inner().sku,
        _ => Box::pin(counting(web::Json(Order { sku: format!("{}!", order.sku) }))).await,
    }
}

#[actix_web::test]
async fn names_of_functions_and_parameters() {
    says("book", |app| app.route("/x", web::post().to(order)), || post("/x")).await;
    says("bookp", |app| app.service(serve), || post("/x?policy=p")).await;
    says("book", |app| app.service(r#move), || post("/x")).await;
    says("book!!", |app| app.service(counting), || post("/x")).await;
}

#[on_post("/x")]
#[idempotent(strategy = "token", key = "{header.token}", operation = "try")]
async fn r#try() -> &'static str {
    "tried"
}

/// Functions and parameters may have names that are keywords.
#[actix_web::test]
async fn a_name_that_is_a_keyword_is_a_name() {
    let app = App::new().app_data(guard()).service(r#try);
    let app = init_service(app.route("/token", issue_token("try"))).await;
    let token = answer(&app, TestRequest::get().uri("/token").to_request()).await.body;
    let header = ("token", std::str::from_utf8(&token).unwrap());
    let got = answer(&app, post("/x").insert_header(header).to_request()).await;
    assert_eq!((got.status.as_u16(), &got.body[..]), (200, &b"tried"[..]));
}

/// A module in which the names of the prelude mean something else.
mod crowded {
    #![allow(dead_code, reason = "they are only in the way")]

    use crate::returns::Refused;
    use actix_web::post as on_post;
    use idempotent_runtime::idempotent;

    pub(super) type Result<T> = core::result::Result<T, Refused>;
    struct Box;
    struct Duration;
    struct HttpResponse;
    struct Option;
    struct Policy;
    struct Rc;
    struct Some;
    struct String;
    struct Vec;
    mod idempotent_runtime_private {}
    mod std {}
    mod core_of_it {}

    #[on_post("/x")]
    #[idempotent(key = "{order.sku}", ttl = "1h", headers = "X-A", store = "2xx")]
    pub(super) async fn handler(order: actix_web::web::Json<crate::Order>) -> Result<&'static str> {
        let _ = order;
        Ok("crowded")
    }
}

#[actix_web::test]
async fn a_module_where_the_prelude_is_shadowed() {
    let routes: crate::Routes = |app| app.service(crowded::handler);
    says("crowded", routes, || post("/x")).await;
}
