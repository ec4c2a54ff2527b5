//! The order in which an app wraps its middleware around a guard: each row of the table in
//! `docs/middleware.md`.

use crate::Shop;
use actix_cors::Cors;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::ErrorUnauthorized;
use actix_web::http::StatusCode;
use actix_web::middleware::{
    Compress, DefaultHeaders, ErrorHandlerResponse, ErrorHandlers, Next, NormalizePath, from_fn,
};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{Error, HttpResponse, Responder};
use idempotent_runtime::policy::{Policy, Strategy};
use idempotent_runtime::{Idempotency, Middleware};
use reqwest::Method;
use tests::{Backend, ControlledHandler};

on_every_store! {
    authentication_outside_refuses_a_replay,
    compression_outside_is_made_for_each_client,
    cors_outside_lets_a_page_read_every_answer,
    a_preflight_is_never_asked_for_a_key,
    default_headers_outside_are_on_every_answer,
    a_path_that_is_normalized_outside_is_one,
    error_handlers_outside_see_every_answer,
    error_handlers_inside_are_stored,
}

static WRITES: Policy = Policy::of_routes(Strategy::RequestId);

const SHOP: &str = "https://shop.example";

/// A server with two scopes for each middleware: in one it is outside of the guard, in one inside.
fn open(backend: Backend) -> Shop {
    Shop::serving(backend, |builder| builder, scopes)
}

/// The middleware that is wrapped last is outside.
macro_rules! scopes_of {
    ($config:ident, $guard:expr, $($path:literal: $middleware:expr,)*) => {
        $($config
            .service(
                web::scope(concat!("/", $path, "/outside"))
                    .wrap($guard)
                    .wrap($middleware)
                    .route("/orders", web::post().to(orders)),
            )
            .service(
                web::scope(concat!("/", $path, "/inside"))
                    .wrap($middleware)
                    .wrap($guard)
                    .route("/orders", web::post().to(orders)),
            );)*
    };
}

fn scopes(idempotency: &Idempotency, config: &mut ServiceConfig) {
    use actix_web::http::Method;
    let guard = || Middleware::new(idempotency, &WRITES).methods([Method::POST, Method::OPTIONS]);
    scopes_of! { config, guard(),
        "authentication": from_fn(checking),
        "compress": Compress::default(),
        "cors": Cors::default().allowed_origin(SHOP).allowed_methods(["POST"]).allow_any_header(),
        "headers": DefaultHeaders::new().add(("X-Frame-Options", "DENY")),
        "normalize": NormalizePath::trim(),
        "errors": ErrorHandlers::new().default_handler_client(page),
    }
}

async fn orders(handler: Data<ControlledHandler>) -> impl Responder {
    handler.run().await
}

async fn checking(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if request.headers().contains_key("X-Revoked") {
        return Err(ErrorUnauthorized("revoked"));
    }
    next.call(request).await
}

/// A page that replaces an error, and says whether the error was a replay.
#[expect(clippy::unnecessary_wraps, reason = "the type of an error handler")]
fn page<B: 'static>(response: ServiceResponse<B>) -> actix_web::Result<ErrorHandlerResponse<B>> {
    let is_replay = response.headers().contains_key("idempotency-replayed");
    let text = if is_replay { "a page for a replay" } else { "a page for an error" };
    let (request, response) = response.into_parts();
    let response = ServiceResponse::new(request, response.set_body(text));
    Ok(ErrorHandlerResponse::Response(response.map_into_boxed_body().map_into_right_body()))
}

async fn authentication_outside_refuses_a_replay(backend: Backend) {
    let shop = open(backend);
    for (path, status) in [("outside", 401), ("inside", 201)] {
        let send = || shop.post(&format!("/authentication/{path}/orders")).key("k");
        assert_eq!(send().send().await.status, 201);
        let revoked = send().header("X-Revoked", "yes").send().await;
        assert_eq!((revoked.status, revoked.is_replay()), (status, status == 201), "{path}");
    }
}

async fn compression_outside_is_made_for_each_client(backend: Backend) {
    const GZIP: [u8; 2] = [0x1f, 0x8b];
    let shop = open(backend);
    let send = |path: &str| shop.post(&format!("/compress/{path}/orders")).key("k");
    for path in ["outside", "inside"] {
        let first = send(path).header("Accept-Encoding", "gzip").send().await;
        assert_eq!(first.header("Idempotency-Stored"), None);
        assert_eq!(first.header("Content-Encoding"), Some("gzip"));
        assert_eq!(first.body[..2], GZIP);
    }
    let plain = send("outside").send().await;
    assert_eq!((plain.is_replay(), plain.header("Content-Encoding")), (true, None));
    assert_eq!(plain.body, "run 1");
    let packed = send("outside").header("Accept-Encoding", "gzip").send().await;
    assert!(packed.is_replay());
    assert_eq!(packed.body[..2], GZIP);
    // If it is inside, the guard stores the coded body, and decodes it for a client that refuses the coding.
    let packed = send("inside").header("Accept-Encoding", "gzip").send().await;
    assert_eq!((packed.is_replay(), packed.header("Content-Encoding")), (true, Some("gzip")));
    assert_eq!(packed.body[..2], GZIP);
    let plain = send("inside").header("Accept-Encoding", "identity").send().await;
    assert_eq!((plain.is_replay(), plain.header("Content-Encoding")), (true, None));
    assert_eq!((&plain.body[..], plain.lines("Vary").len()), (&b"run 2"[..], 1));
    assert_eq!(shop.handler.runs(), 2);
}

async fn cors_outside_lets_a_page_read_every_answer(backend: Backend) {
    let shop = open(backend);
    let send = |path: &str| shop.post(&format!("/cors/{path}/orders")).header("Origin", SHOP);
    let readable = |reply: &tests::Reply| {
        reply.header("Access-Control-Allow-Origin").is_some_and(|origin| origin == SHOP)
    };
    let first = send("outside").key("k").send().await;
    let again = send("outside").key("k").send().await;
    let problem = send("outside").send().await;
    assert_eq!((first.status, again.is_replay(), problem.status), (201, true, 400));
    assert!([first, again, problem].iter().all(readable));
    let problem = send("inside").send().await;
    problem.is_problem(400, "key-missing");
    assert!(!readable(&problem), "no page of another origin can read why");
}

/// This holds even if the guard guards OPTIONS and is around the middleware that answers.
async fn a_preflight_is_never_asked_for_a_key(backend: Backend) {
    let shop = open(backend);
    for path in ["/cors/outside/orders", "/cors/inside/orders"] {
        let options = || shop.server.send(Method::OPTIONS, path).header("Origin", SHOP);
        let preflight = options()
            .header("Access-Control-Request-Method", "POST")
            .header("Access-Control-Request-Headers", "idempotency-key")
            .send()
            .await;
        assert_eq!(preflight.status, 200, "{path}");
        assert_eq!(preflight.header("Access-Control-Allow-Origin"), Some(SHOP));
        // Any other OPTIONS request is guarded like others.
        assert_eq!(options().send().await.status, 400, "{path}");
    }
    assert_eq!(shop.handler.runs(), 0);
}

async fn default_headers_outside_are_on_every_answer(backend: Backend) {
    let shop = open(backend);
    let send = |path: &str| shop.post(&format!("/headers/{path}/orders"));
    let first = send("outside").key("k").send().await;
    let again = send("outside").key("k").send().await;
    let problem = send("outside").send().await;
    assert_eq!((first.status, again.is_replay(), problem.status), (201, true, 400));
    for reply in [first, again, problem] {
        assert_eq!(reply.header("X-Frame-Options"), Some("DENY"));
    }
    assert_eq!(send("inside").send().await.header("X-Frame-Options"), None);
}

async fn a_path_that_is_normalized_outside_is_one(backend: Backend) {
    let shop = open(backend);
    for (path, is_one) in [("outside", true), ("inside", false)] {
        let send = |end: &str| shop.post(&format!("/normalize/{path}/orders{end}")).key("k").send();
        assert_eq!(send("/").await.status, 201);
        assert_eq!(send("").await.is_replay(), is_one, "{path}");
    }
}

async fn error_handlers_outside_see_every_answer(backend: Backend) {
    let shop = open(backend);
    shop.handler.answers(|_| HttpResponse::build(StatusCode::CONFLICT).body("as the handler said"));
    let send = || shop.post("/errors/outside/orders");
    assert_eq!(send().key("k").send().await.body, "a page for an error");
    assert_eq!(send().key("k").send().await.body, "a page for a replay");
    let missing = send().send().await;
    assert_eq!((missing.status, &missing.body[..]), (400, &b"a page for an error"[..]));
    assert_eq!(shop.handler.runs(), 1);
}

async fn error_handlers_inside_are_stored(backend: Backend) {
    let shop = open(backend);
    shop.handler.answers(|_| HttpResponse::build(StatusCode::CONFLICT).body("as the handler said"));
    let send = || shop.post("/errors/inside/orders");
    for _ in 0..2 {
        assert_eq!(send().key("k").send().await.body, "a page for an error");
    }
    send().send().await.is_problem(400, "key-missing");
    assert_eq!(shop.handler.runs(), 1);
}
