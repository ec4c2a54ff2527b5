//! Parameters of handlers.

use crate::{Order, post, says};
use actix_web::dev::{ConnectionInfo, Payload};
use actix_web::http::{Method, Uri};
use actix_web::web;
use actix_web::{Error, FromRequest, HttpRequest, Responder, post as on_post};
use idempotent_runtime::idempotent;
use serde::Deserialize;
use std::future::{Ready, ready};
use std::marker::PhantomData;

#[on_post("/x")]
#[idempotent]
async fn none() -> impl Responder {
    "none"
}

#[on_post("/x")]
#[idempotent]
async fn one(order: web::Json<Order>) -> impl Responder {
    order.into_inner().sku
}

/// An extractor of the user's own: the path, with a place for a lifetime.
struct Own<'a>(String, PhantomData<&'a ()>);

impl FromRequest for Own<'static> {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(request.path().to_owned(), PhantomData)))
    }
}

#[derive(Deserialize)]
struct Pair {
    q: String,
    r: String,
}

#[on_post("/{a}/{n}")]
#[idempotent]
#[expect(clippy::too_many_arguments, reason = "as many as this is about")]
async fn twelve(
    request: HttpRequest,
    order: web::Json<Order>,
    path: web::Path<(String, u32)>,
    query: web::Query<Pair>,
    method: Method,
    uri: Uri,
    connection: ConnectionInfo,
    both: (Method, Uri),
    maybe: Option<web::Query<Order>>,
    tried: Result<web::Path<(u8, u8)>, Error>,
    own: Own<'_>,
    data: Option<web::Data<u8>>,
) -> impl Responder {
    assert_eq!((&both, request.path()), (&(method, uri), own.0.as_str()));
    assert!(maybe.is_none() && tried.is_err() && data.is_none());
    assert!(!connection.host().is_empty());
    format!("{} {} {} {}{}", order.sku, path.0, path.1, query.q, query.r)
}

#[on_post("/x")]
#[idempotent]
#[expect(clippy::too_many_arguments, reason = "as many as actix takes")]
async fn sixteen(
    _a: Method,
    _b: Method,
    _c: Method,
    _d: Method,
    _e: Method,
    _f: Method,
    _g: Method,
    _h: Method,
    _i: Method,
    _j: Method,
    _k: Method,
    _l: Method,
    _m: Method,
    _n: Method,
    _: Method,
    order: web::Json<Order>,
) -> impl Responder {
    order.into_inner().sku
}

#[actix_web::test]
async fn none_one_twelve_and_sixteen() {
    says("none", |app| app.service(none), || post("/x")).await;
    says("book", |app| app.service(one), || post("/x")).await;
    says("book p 7 vw", |app| app.service(twelve), || post("/p/7?q=v&r=w")).await;
    says("book", |app| app.service(sixteen), || post("/x")).await;
}

#[on_post("/x")]
#[idempotent(key = "{order.sku}{own.0}")]
async fn changed(mut order: web::Json<Order>, mut own: Own<'_>) -> impl Responder {
    order.sku.push('!');
    own.0.push('?');
    format!("{}{}", order.sku, own.0)
}

#[actix_web::test]
async fn parameters_that_can_be_changed() {
    says("book!/x?", |app| app.service(changed), || post("/x")).await;
}

#[on_post("/{a}/{n}")]
#[idempotent(key = "{sku}{a.0}{n.1}{q}{r}{whole.0}{twice}{path}")]
async fn taken_apart(
    web::Json(Order { mut sku }): web::Json<Order>,
    (a, Own(path, ..)): (web::Path<(String, u32)>, Own<'_>),
    n: web::Path<(String, u32)>,
    web::Query(Pair { q, ref r }): web::Query<Pair>,
    whole @ Own(..): Own<'_>,
    Twice((twice, _)): Twice,
    _: Method,
) -> impl Responder {
    sku.push('!');
    format!("{sku} {} {} {q}{r} {} {twice} {path}", a.0, n.1, whole.0)
}

/// A tuple in a tuple structure.
struct Twice((String, String));

impl FromRequest for Twice {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let method = request.method().to_string();
        ready(Ok(Self((method.clone(), method))))
    }
}

#[actix_web::test]
async fn parameters_that_are_taken_apart() {
    let routes: crate::Routes = |app| app.service(taken_apart);
    says("book! p 7 vw /p/7 POST /p/7", routes, || post("/p/7?q=v&r=w")).await;
}

#[on_post("/x")]
#[idempotent(key = "{own.0}{both.1.0}")]
async fn named_lifetimes<'a, 'b: 'a>(
    own: Own<'a>,
    both: (web::Json<Order>, Own<'b>),
    third: Own<'static>,
) -> impl Responder {
    format!("{} {}{}{}", both.0.sku, own.0, both.1.0, third.0)
}

#[actix_web::test]
async fn parameters_with_lifetimes_by_name() {
    says("book /x/x/x", |app| app.service(named_lifetimes), || post("/x")).await;
}

/// Every extractor gets the body, although the fingerprint has read it before.
#[on_post("/x")]
#[idempotent]
async fn streamed(payload: web::Payload) -> impl Responder {
    payload.to_bytes().await.expect("a body")
}

#[on_post("/x")]
#[idempotent]
async fn texts(text: String) -> impl Responder {
    text
}

#[actix_web::test]
async fn the_body_in_every_form() {
    let sent = "{\"sku\":\"book\"}";
    says(sent, |app| app.service(streamed), || post("/x")).await;
    says(sent, |app| app.service(texts), || post("/x")).await;
}
