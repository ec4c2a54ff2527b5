//! Invariant S7: authorisation comes before every look at the store.

use crate::{Shop, routes};
use actix_web::dev::Payload;
use actix_web::error::ErrorUnauthorized;
use actix_web::{Error, FromRequest, HttpRequest, HttpResponse, Responder, route, web};
use idempotent_runtime::idempotent;
use std::future::{Ready, ready};
use tests::{Backend, ControlledHandler, Server};

on_every_store! {
    a_credential_that_was_revoked_gets_no_replay,
    a_credential_that_was_revoked_learns_nothing_about_a_key,
    who_was_let_in_again_gets_the_first_response,
    without_a_credential_nothing_is_claimed,
}

/// A caller with a session that was not revoked.
struct SignedIn;

impl FromRequest for SignedIn {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let session = request.headers().get("X-Session");
        let is_open = session.is_some_and(|session| session == "open");
        ready(is_open.then_some(Self).ok_or_else(|| ErrorUnauthorized("sign in")))
    }
}

#[route("/private", method = "POST")]
#[idempotent]
async fn private(
    _user: SignedIn,
    handler: web::Data<ControlledHandler>,
    _body: web::Bytes,
) -> impl Responder {
    handler.run().await
}

fn with_private(config: &mut web::ServiceConfig) {
    config.configure(routes::all).service(private);
}

/// The shop, and a second server that requires a session.
fn open(backend: Backend) -> (Shop, Server) {
    let shop = Shop::open(backend);
    shop.handler.answers(|_| HttpResponse::Created().body("for whoever is signed in"));
    let server = Server::start(&shop.idempotency, &shop.handler, with_private);
    (shop, server)
}

async fn a_credential_that_was_revoked_gets_no_replay(backend: Backend) {
    let (shop, server) = open(backend);
    let send = |session| server.post("/private").key("k").header("X-Session", session).send();
    assert_eq!(send("open").await.status, 201);
    let before = shop.idempotency.counts();
    let refused = send("revoked").await;
    assert_eq!((refused.status, &refused.body[..]), (401, &b"sign in"[..]));
    assert!(!refused.is_replay());
    assert_eq!(shop.idempotency.counts(), before, "the engine was not asked");
}

/// A refused caller learns neither that a key was used nor for which request.
async fn a_credential_that_was_revoked_learns_nothing_about_a_key(backend: Backend) {
    let (shop, server) = open(backend);
    let send = |session, key, body: &'static str| {
        server.post("/private").key(key).header("X-Session", session).body(body).send()
    };
    send("open", "used", "one").await;
    let mut told = Vec::new();
    for (key, body) in [("used", "one"), ("used", "two"), ("unused", "one"), ("", "one")] {
        let refused = send("revoked", key, body).await;
        told.push((refused.status, refused.body));
    }
    assert!(told.iter().all(|answer| *answer == told[0] && answer.0 == 401), "{told:?}");
    assert_eq!(shop.handler.runs(), 1);
}

async fn who_was_let_in_again_gets_the_first_response(backend: Backend) {
    let (shop, server) = open(backend);
    let send = |session| server.post("/private").key("k").header("X-Session", session).send();
    let first = send("open").await;
    send("revoked").await;
    let again = send("open").await;
    assert_eq!((again.is_replay(), again.body), (true, first.body));
    assert_eq!(shop.handler.runs(), 1);
}

async fn without_a_credential_nothing_is_claimed(backend: Backend) {
    let (shop, server) = open(backend);
    assert_eq!(server.post("/private").key("k").send().await.status, 401);
    let url = format!("http://{}/orders", server.address());
    let nobody = tests::Sender::anonymous(reqwest::Method::POST, url).key("k").send().await;
    nobody.is_problem(400, "scope-missing");
    // The key is still unused: a caller with a credential can use it.
    let first = server.post("/private").key("k").header("X-Session", "open").send().await;
    assert_eq!((first.status, first.is_replay(), shop.handler.runs()), (201, false, 1));
}
