//! Answers that no guard stores: problems of this crate, from every source, and answers without a route.

use crate::guard;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{Error, HttpResponse, Responder, route};
use idempotent_runtime::policy::{Policy, Statuses, Strategy};
use idempotent_runtime::task::task_routes;
use idempotent_runtime::token::TokenIssuer;
use idempotent_runtime::transaction::Tx;
use idempotent_runtime::{Idempotency, Middleware, Scope, idempotent};
use reqwest::Method;
use tests::{Backend, ControlledHandler, Sender, Server};

on_every_store! {
    a_refusal_of_an_inner_guard_is_not_stored_by_the_outer_one,
    a_refusal_of_an_extractor_of_ours_is_not_stored,
    a_refusal_that_a_middleware_rebuilds_is_not_stored,
    a_refusal_in_the_words_of_the_app_is_not_stored,
    a_task_that_is_not_there_is_not_there_for_the_moment,
    an_app_built_wrongly_is_not_remembered,
    a_success_after_a_refusal_that_the_handler_passed_over_is_stored,
    a_route_that_is_not_there_leaves_the_key_free,
    an_answer_of_a_default_service_is_stored,
}

type Handler = Data<ControlledHandler>;

static WRITES: Policy = Policy::of_routes(Strategy::RequestId);
/// A policy that stores every status.
static EVERYTHING: Policy =
    Policy::of_routes(Strategy::RequestId).statuses(Statuses::ranges(&[(200, 599)]));

/// A server with guards around its `web::scope`s, and handlers behind them that are refused.
struct Shop {
    _backend: Backend,
    handler: ControlledHandler,
    server: Server,
}

impl Shop {
    fn open(backend: Backend) -> Self {
        let handler = ControlledHandler::new();
        let own = guard(&backend)
            .on_error(|request, problem| {
                if request.headers().contains_key("X-Words") {
                    return HttpResponse::ImATeapot().body("in words of its own");
                }
                problem.response("urn:idempotent-runtime:problem/")
            })
            .build()
            .expect("settings that fit");
        // For these guards, a request without an account has a scope, too.
        let shared = Idempotency::builder(backend.store.clone())
            .scope(Scope::shared())
            .clock(backend.clock.clone())
            .namespace("shared")
            .build()
            .expect("settings that fit");
        let guards = Guards { own: own.clone(), shared };
        let server = Server::start(&own, &handler, move |config| scopes(&guards, config));
        Self { _backend: backend, handler, server }
    }

    fn post(&self, path: &str) -> Sender {
        self.server.post(path)
    }

    fn anonymous(&self, path: &str) -> Sender {
        let url = format!("http://{}{path}", self.server.address());
        Sender::anonymous(Method::POST, url).key("k")
    }
}

#[derive(Clone)]
struct Guards {
    own: Idempotency,
    shared: Idempotency,
}

impl Guards {
    fn of(&self, policy: &'static Policy) -> Middleware {
        Middleware::new(&self.own, policy)
    }

    fn shared(&self) -> Middleware {
        Middleware::new(&self.shared, &EVERYTHING)
    }
}

fn scopes(guards: &Guards, config: &mut ServiceConfig) {
    let of = |policy| guards.of(policy);
    let keyed = || of(&WRITES).key_header("X-Key");
    config
        // The middleware that is wrapped last is outside.
        .service(web::scope("/keyed").wrap(keyed()).wrap(of(&WRITES)).configure(routes))
        .service(
            web::scope("/rebuilt")
                .wrap(keyed())
                .wrap(from_fn(rebuilding))
                .wrap(of(&EVERYTHING))
                .configure(routes),
        )
        .service(
            web::scope("/shared").wrap(from_fn(rebuilding)).wrap(guards.shared()).configure(routes),
        )
        .service(web::scope("/plain").wrap(guards.shared()).configure(routes))
        .service(
            task_routes("/tasks").wrap(of(&EVERYTHING).methods([actix_web::http::Method::GET])),
        )
        .service(
            web::scope("/default")
                .wrap(of(&WRITES))
                .route("/there", web::post().to(orders))
                .service(web::resource("/read").route(web::get().to(orders)))
                .default_service(web::to(orders)),
        );
}

fn routes(config: &mut ServiceConfig) {
    config
        .route("/orders", web::post().to(orders))
        .service(web::resource("/read").route(web::get().to(orders)))
        .route("/issuing", web::post().to(issuing))
        .route("/perhaps-issuing", web::post().to(perhaps_issuing))
        .service(annotated)
        .service(unguarded);
}

async fn orders(handler: Handler) -> impl Responder {
    handler.run().await
}

/// Its extractor refuses a request without an account.
async fn issuing(handler: Handler, _issuer: TokenIssuer) -> impl Responder {
    handler.run().await
}

async fn perhaps_issuing(handler: Handler, issuer: Option<TokenIssuer>) -> impl Responder {
    assert!(issuer.is_none());
    handler.run().await
}

#[route("/annotated", method = "POST")]
#[idempotent(operation = "annotated and refused")]
async fn annotated(handler: Handler) -> impl Responder {
    handler.run().await
}

/// A handler with a `Tx` of a database that the app does not have.
#[route("/unguarded", method = "POST")]
async fn unguarded(handler: Handler, _tx: Tx<sqlx::Sqlite>) -> impl Responder {
    handler.run().await
}

/// Replaces every error by a page of the app.
async fn rebuilding(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let response = next.call(request).await?;
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return Ok(response.map_into_boxed_body());
    }
    let page = HttpResponse::build(status).body("a page of the app");
    Ok(response.into_response(page))
}

async fn a_refusal_of_an_inner_guard_is_not_stored_by_the_outer_one(backend: Backend) {
    let shop = Shop::open(backend);
    let send = |path: &str| shop.post(path).key("k");
    for path in ["/keyed/orders", "/keyed/annotated"] {
        send(path).send().await.is_problem(400, "key-missing");
        if path.ends_with("orders") {
            let twice = send(path).header("X-Key", "mine").header("X-Key", "mine").send().await;
            twice.is_problem(400, "key-invalid");
        }
        assert_eq!(send(path).header("X-Key", "mine").send().await.status, 201);
    }
    // This problem comes from the handler's own guard, behind a guard that needs no account.
    shop.anonymous("/plain/annotated").send().await.is_problem(400, "scope-missing");
    let known = shop.anonymous("/plain/annotated").header("Authorization", "Bearer alice");
    assert_eq!(known.send().await.status, 201);
    assert_eq!(shop.handler.runs(), 3);
}

async fn a_refusal_of_an_extractor_of_ours_is_not_stored(backend: Backend) {
    let shop = Shop::open(backend);
    shop.anonymous("/plain/issuing").send().await.is_problem(400, "scope-missing");
    let known = || shop.anonymous("/plain/issuing").header("Authorization", "Bearer alice");
    assert_eq!(known().send().await.status, 201);
    assert!(known().send().await.is_replay());
    assert_eq!(shop.handler.runs(), 1);
}

async fn a_refusal_that_a_middleware_rebuilds_is_not_stored(backend: Backend) {
    let shop = Shop::open(backend);
    // This problem comes from an inner guard.
    let send = || shop.post("/rebuilt/orders").key("k");
    let refused = send().send().await;
    assert_eq!((refused.status, &refused.body[..]), (400, &b"a page of the app"[..]));
    assert_eq!(send().header("X-Key", "mine").send().await.status, 201);
    // This problem comes from an extractor.
    let refused = shop.anonymous("/shared/issuing").send().await;
    assert_eq!((refused.status, &refused.body[..]), (400, &b"a page of the app"[..]));
    let known = shop.anonymous("/shared/issuing").header("Authorization", "Bearer alice");
    assert_eq!(known.send().await.status, 201);
    assert_eq!(shop.handler.runs(), 2);
}

async fn a_refusal_in_the_words_of_the_app_is_not_stored(backend: Backend) {
    let shop = Shop::open(backend);
    let needing = || shop.post("/keyed/orders").key("k").header("X-Words", "own");
    assert_eq!(needing().send().await.body, "in words of its own");
    assert_eq!(needing().header("X-Key", "mine").send().await.status, 201);
    let issuing = || shop.anonymous("/plain/issuing").header("X-Words", "own");
    assert_eq!(issuing().send().await.status, 418);
    let known = issuing().header("Authorization", "Bearer alice").send().await;
    assert_eq!((known.status, shop.handler.runs()), (201, 2));
}

async fn a_task_that_is_not_there_is_not_there_for_the_moment(backend: Backend) {
    let shop = Shop::open(backend);
    let ask = || shop.server.send(Method::GET, "/tasks/none").key("k").send();
    for _ in 0..2 {
        let missing = ask().await;
        missing.is_problem(404, "task-missing");
        assert!(!missing.is_replay());
    }
}

async fn an_app_built_wrongly_is_not_remembered(backend: Backend) {
    let shop = Shop::open(backend);
    for path in ["/plain/unguarded", "/shared/unguarded"] {
        for _ in 0..2 {
            let refused = shop.anonymous(path).send().await;
            assert_eq!((refused.status, refused.is_replay()), (500, false));
        }
    }
    assert_eq!(shop.handler.runs(), 0);
}

async fn a_success_after_a_refusal_that_the_handler_passed_over_is_stored(backend: Backend) {
    let shop = Shop::open(backend);
    let send = || shop.anonymous("/shared/perhaps-issuing").send();
    assert_eq!(send().await.status, 201);
    assert!(send().await.is_replay());
    assert_eq!(shop.handler.runs(), 1);
}

async fn a_route_that_is_not_there_leaves_the_key_free(backend: Backend) {
    let shop = Shop::open(backend);
    for (path, status) in
        [("/plain/nowhere", 404), ("/plain", 404), ("/plain/read", 405), ("/keyed/read", 405)]
    {
        for _ in 0..2 {
            let reply = shop.post(path).key("k").header("X-Key", "mine").send().await;
            assert_eq!((reply.status, reply.is_replay()), (status, false), "{path}");
        }
    }
    // A problem that a handler writes itself is the handler's answer, so it is stored.
    shop.handler.answers(|_| HttpResponse::NotFound().finish());
    assert_eq!(shop.post("/plain/orders").key("k").send().await.status, 404);
    assert!(shop.post("/plain/orders").key("k").send().await.is_replay());
    assert_eq!(shop.handler.runs(), 1);
}

async fn an_answer_of_a_default_service_is_stored(backend: Backend) {
    let shop = Shop::open(backend);
    let send = |key: &str| shop.post("/default/nowhere").key(key).send();
    assert_eq!(send("k").await.status, 201);
    assert!(send("k").await.is_replay());
    for (key, status) in [("conflict", 409), ("missing", 404), ("method", 405)] {
        let answer = actix_web::http::StatusCode::from_u16(status).unwrap();
        shop.handler.answers(move |_| HttpResponse::build(answer).body("not here"));
        let (first, again) = (send(key).await, send(key).await);
        assert_eq!((first.status, again.status), (status, status));
        assert_eq!(again.is_replay(), status == 409, "{status}");
    }
    assert_eq!(shop.handler.runs(), 6);
}
