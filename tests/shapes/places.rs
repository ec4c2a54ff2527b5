//! Where a handler stands: above and below route macros, plain, in modules, under attributes.

use crate::{answer, guard, post, says, twice};
use actix_web::http::Method;
use actix_web::test::{TestRequest, init_service};
use actix_web::web::{self, ServiceConfig};
use actix_web::{
    App, HttpResponse, Responder, guard as guards, patch, post as on_post, put, route,
};
use idempotent_runtime::idempotent;

#[on_post("/x")]
#[idempotent]
async fn below_the_route() -> impl Responder {
    "below"
}

#[idempotent]
#[on_post("/x")]
async fn above_the_route() -> impl Responder {
    "above"
}

#[actix_web::test]
async fn below_and_above_a_route_macro() {
    says("below", |app| app.service(below_the_route), || post("/x")).await;
    says("above", |app| app.service(above_the_route), || post("/x")).await;
}

#[idempotent]
async fn plain() -> impl Responder {
    "plain"
}

fn by_resource(app: &mut ServiceConfig) -> &mut ServiceConfig {
    let guarded = web::route().guard(guards::Post()).to(plain);
    app.service(web::scope("/in").service(web::resource("/x").route(guarded)))
}

#[actix_web::test]
async fn a_plain_function_registered_by_hand() {
    says("plain", |app| app.route("/x", web::post().to(plain)), || post("/x")).await;
    says("plain", by_resource, || post("/in/x")).await;
    says("plain", |app| app.service(web::resource("/x").to(plain)), || post("/x")).await;
}

/// One operation on two paths is two requests; see the strategy `request_id`.
#[actix_web::test]
async fn one_function_on_two_routes() {
    let guard = guard();
    let routes = |app: &mut ServiceConfig| {
        app.route("/a", web::post().to(plain)).route("/b", web::post().to(plain));
    };
    let app = init_service(App::new().app_data(guard.clone()).configure(routes)).await;
    for path in ["/a", "/b"] {
        assert!(!answer(&app, post(path).to_request()).await.is_replay);
        assert!(answer(&app, post(path).to_request()).await.is_replay);
    }
}

#[route("/x", method = "POST", method = "PUT")]
#[idempotent]
async fn two_methods() -> impl Responder {
    "two methods"
}

#[put("/x")]
#[idempotent]
async fn on_put() -> impl Responder {
    "put"
}

#[patch("/x")]
#[idempotent]
async fn on_patch() -> impl Responder {
    "patch"
}

fn request(method: Method) -> TestRequest {
    post("/x").method(method)
}

#[actix_web::test]
async fn every_method() {
    says("put", |app| app.service(on_put), || request(Method::PUT)).await;
    says("patch", |app| app.service(on_patch), || request(Method::PATCH)).await;
    for method in [Method::POST, Method::PUT] {
        let guard = guard();
        let app = init_service(App::new().app_data(guard.clone()).service(two_methods)).await;
        assert!(!answer(&app, request(method.clone()).to_request()).await.is_replay);
        assert!(answer(&app, request(method).to_request()).await.is_replay);
    }
}

mod inner {
    use actix_web::{Responder, post, web};
    use idempotent_runtime::idempotent;

    #[idempotent]
    pub(crate) async fn in_a_module() -> impl Responder {
        "in a module"
    }

    #[post("/x")]
    #[idempotent]
    pub(super) async fn in_a_module_on_a_route() -> impl Responder {
        private().await
    }

    #[idempotent]
    async fn unseen() -> impl Responder {
        "unseen"
    }

    pub(super) fn routes(app: &mut web::ServiceConfig) -> &mut web::ServiceConfig {
        app.route("/x", web::post().to(unseen))
    }

    async fn private() -> &'static str {
        "what is beside it"
    }
}

#[actix_web::test]
async fn in_a_module_with_every_visibility() {
    let routes: crate::Routes = |app| app.route("/x", web::post().to(inner::in_a_module));
    says("in a module", routes, || post("/x")).await;
    let routes: crate::Routes = |app| app.service(inner::in_a_module_on_a_route);
    says("what is beside it", routes, || post("/x")).await;
    says("unseen", inner::routes, || post("/x")).await;
}

#[actix_web::test]
async fn in_a_function() {
    #[idempotent]
    async fn local() -> impl Responder {
        "local"
    }
    says("local", |app| app.route("/x", web::post().to(local)), || post("/x")).await;
}

// Every kind of attribute, lints that are allowed and expected among them.
/// Documented,
///
/// on several lines.
#[cfg_attr(test, doc = "And from elsewhere.")]
#[allow(clippy::needless_return, reason = "it belongs to the function, as the one below")]
#[on_post("/x")]
#[idempotent(ttl = "1h")]
#[expect(unused_variables, reason = "it belongs to the function and not to what is around it")]
#[doc(alias = "other")]
async fn under_attributes() -> impl Responder {
    let unused = 1;
    return HttpResponse::Accepted().body("attributes");
}

#[actix_web::test]
async fn under_attributes_and_documentation() {
    let first = twice(|app| app.service(under_attributes), || post("/x")).await;
    assert_eq!((first.status.as_u16(), &first.body[..]), (202, &b"attributes"[..]));
}
