//! A whole `web::scope` behind one policy: handlers without the attribute.

use crate::Shop;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::{ErrorBadGateway, ErrorConflict, ErrorUnauthorized};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, Bytes, Data, Json, Path, ServiceConfig};
use actix_web::{App, Error, HttpResponse, Responder, route, test};
use futures_util::future::join_all;
use idempotent_runtime::extract::Attempt;
use idempotent_runtime::policy::{KeyRequirement, OnAbandoned, OnInFlight, Policy, Strategy};
use idempotent_runtime::response::StoreResponse;
use idempotent_runtime::token::issue_token;
use idempotent_runtime::{Idempotency, Middleware, idempotent};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use tests::{Backend, ControlledHandler};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

on_every_store! {
    a_handler_that_nobody_annotated_runs_once,
    only_the_methods_chosen_are_guarded,
    a_key_is_required_unless_it_is_optional,
    an_excepted_route_is_left_alone,
    routes_of_one_scope_are_operations_of_their_own,
    an_annotated_handler_keeps_its_own_policy,
    an_annotated_handler_that_waits_does_so_inside,
    an_annotated_handler_runs_to_its_end_inside,
    what_an_extractor_refuses_leaves_the_key_free,
    an_error_of_the_handler_is_its_answer,
    who_is_refused_outside_gets_no_replay,
    an_error_of_a_middleware_inside_leaves_the_key_free,
    of_fifty_at_once_behind_a_scope_one_runs,
    behind_a_scope_a_handler_finishes_although_its_client_is_gone,
    a_panic_behind_a_scope_is_answered_and_a_retry_runs,
    a_held_scope_holds_after_a_panic,
    a_body_reaches_the_handler_whole_unless_it_is_too_long,
    tokens_guard_a_scope,
    while_the_store_is_down_nothing_behind_a_scope_runs,
    a_scope_can_ask_when_a_request_was_first_sent,
}

type Handler = Data<ControlledHandler>;

static WRITES: Policy = Policy::of_routes(Strategy::RequestId);
static OPTIONAL: Policy =
    Policy::of_routes(Strategy::RequestId).key_requirement(KeyRequirement::Optional).max_body(1024);
static WAITING: Policy = Policy::of_routes(Strategy::RequestId).on_in_flight(OnInFlight::Wait);
static HOLDING: Policy = Policy::of_routes(Strategy::RequestId)
    .on_abandoned(OnAbandoned::Hold)
    .lease(Duration::from_millis(500));
static TOKENS: Policy = Policy::of_routes(Strategy::Token).operation("placeOrder");

/// A server with a guarded `web::scope` for each policy, and the same routes in each.
fn open(backend: Backend) -> Shop {
    Shop::serving(backend, |builder| builder, scopes)
}

fn scopes(guard: &Idempotency, config: &mut ServiceConfig) {
    let writes = Middleware::new(guard, &WRITES).except("/writes/free/{id}");
    let optional = Middleware::new(guard, &OPTIONAL)
        .methods([actix_web::http::Method::PUT])
        .key_header("X-Key");
    let tokens = Middleware::new(guard, &TOKENS).key_header("token");
    let timed = Middleware::new(guard, &WRITES).first_sent_header("Repeatability-First-Sent");
    config
        .service(web::scope("/writes").wrap(writes).configure(routes))
        .service(web::scope("/optional").wrap(optional).configure(routes))
        .service(web::scope("/waiting").wrap(Middleware::new(guard, &WAITING)).configure(routes))
        .service(web::scope("/holding").wrap(Middleware::new(guard, &HOLDING)).configure(routes))
        .service(web::scope("/tokens").wrap(tokens).configure(routes))
        .service(web::scope("/timed").wrap(timed).configure(routes))
        .service(
            web::scope("/checked")
                .wrap(Middleware::new(guard, &WRITES))
                .wrap(from_fn(checking))
                .configure(routes),
        )
        .service(
            web::scope("/unchecked")
                .wrap(from_fn(checking))
                .wrap(Middleware::new(guard, &WRITES))
                .configure(routes),
        )
        .route("/issued", issue_token("placeOrder"))
        .route("/issued-for-another", issue_token("cancelOrder"));
}

fn routes(config: &mut ServiceConfig) {
    config
        .route("/orders", web::route().to(orders))
        .route("/orders/{id}", web::route().to(number))
        .route("/free/{id}", web::post().to(orders))
        .route("/json", web::post().to(json_order))
        .route("/strict", web::post().to(strict))
        .route("/failing", web::post().to(failing))
        .route("/length", web::route().to(length))
        .service(annotated)
        .service(annotated_waiting);
}

async fn orders(handler: Handler) -> impl Responder {
    handler.run().await
}

async fn number(handler: Handler, id: Path<u32>, attempt: Attempt) -> impl Responder {
    let run = handler.run().await;
    let (id, attempt, status) = (id.into_inner(), attempt.number(), run.status());
    HttpResponse::build(status).body(format!("{id}, attempt {attempt}"))
}

async fn json_order(handler: Handler, _order: Json<Value>) -> impl Responder {
    handler.run().await
}

/// An extractor of the app that fails.
struct Strict;

impl actix_web::FromRequest for Strict {
    type Error = Error;
    type Future = std::future::Ready<Result<Self, Error>>;

    fn from_request(
        request: &actix_web::HttpRequest,
        _: &mut actix_web::dev::Payload,
    ) -> Self::Future {
        if request.headers().contains_key("X-Strict") {
            return std::future::ready(Ok(Self));
        }
        let mut refusal = HttpResponse::BadRequest().body("not so");
        refusal.extensions_mut().insert(StoreResponse::No);
        let error = actix_web::error::InternalError::from_response("not so", refusal);
        std::future::ready(Err(error.into()))
    }
}

async fn strict(handler: Handler, _: Strict) -> impl Responder {
    handler.run().await
}

async fn failing(handler: Handler) -> Result<HttpResponse, Error> {
    let run = handler.run().await;
    if run.status() == 409 { Err(ErrorConflict("no more of it")) } else { Ok(run) }
}

async fn length(handler: Handler, body: Bytes) -> impl Responder {
    let run = handler.run().await;
    HttpResponse::build(run.status()).body(body.len().to_string())
}

#[route("/annotated", method = "POST")]
#[idempotent(on_duplicate = "reject")]
async fn annotated(handler: Handler, attempt: Attempt) -> impl Responder {
    let run = handler.run().await;
    HttpResponse::build(run.status()).body(format!("attempt {}", attempt.number()))
}

#[route("/annotated/waiting", method = "POST")]
#[idempotent(on_in_flight = "wait", wait = "1m", operation = "annotated waiting")]
async fn annotated_waiting(handler: Handler) -> impl Responder {
    handler.run().await
}

/// Refuses revoked credentials with an error, as middleware does.
async fn checking(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if request.headers().contains_key("X-Broken") {
        next.call(request).await?;
        return Err(ErrorBadGateway("broke after the handler"));
    }
    if request.headers().contains_key("X-Revoked") {
        return Err(ErrorUnauthorized("revoked"));
    }
    next.call(request).await
}

async fn a_handler_that_nobody_annotated_runs_once(backend: Backend) {
    let shop = open(backend);
    let first = shop.post("/writes/orders").key("k").body("order").send().await;
    assert_eq!((first.status, first.is_replay()), (201, false));
    let again = shop.post("/writes/orders").key("k").body("order").send().await;
    assert_eq!((again.status, again.is_replay(), &again.body), (201, true, &first.body));
    let other = shop.post("/writes/orders").key("k").body("another").send().await;
    other.is_problem(422, "key-reused");
    let bob = shop.post("/writes/orders").as_account("bob").key("k").body("order").send().await;
    assert_eq!((bob.is_replay(), &bob.body[..]), (false, &b"run 2"[..]));
    let anonymous = shop.post("/writes/orders").only("authorization", "").key("k");
    anonymous.send().await.is_problem(400, "scope-missing");
    assert_eq!((shop.handler.runs(), shop.idempotency.counts().replayed), (2, 1));
}

async fn only_the_methods_chosen_are_guarded(backend: Backend) {
    let shop = open(backend);
    let twice = async |method: Method, path: &str, header: &str| {
        let send = || shop.server.send(method.clone(), path).header(header, "k").send();
        assert_eq!(send().await.status, 201);
        send().await.is_replay()
    };
    for (method, guarded) in
        [(Method::POST, true), (Method::PATCH, true), (Method::PUT, false), (Method::GET, false)]
    {
        assert_eq!(twice(method, "/writes/orders", "Idempotency-Key").await, guarded);
    }
    for (method, guarded) in [(Method::POST, false), (Method::PUT, true)] {
        assert_eq!(twice(method, "/optional/orders", "X-Key").await, guarded);
    }
}

async fn a_key_is_required_unless_it_is_optional(backend: Backend) {
    let shop = open(backend);
    shop.post("/writes/orders").send().await.is_problem(400, "key-missing");
    shop.post("/writes/orders").key("é").send().await.is_problem(400, "key-invalid");
    assert_eq!(shop.handler.runs(), 0);
    for run in 1..=2 {
        // The body is not compared, so it may be as long as the handler accepts.
        let put = shop.server.send(Method::PUT, "/optional/length").body(vec![b'x'; 4000]);
        let reply = put.send().await;
        assert_eq!((reply.status, &reply.body[..], shop.handler.runs()), (201, &b"4000"[..], run));
        assert_eq!(reply.header("Idempotency-Stored"), None);
    }
}

async fn an_excepted_route_is_left_alone(backend: Backend) {
    let shop = open(backend);
    for run in 1..=2 {
        let reply = shop.post("/writes/free/7").key("k").send().await;
        assert_eq!((reply.is_replay(), shop.handler.runs()), (false, run));
    }
    assert_eq!(shop.post("/writes/free/7").send().await.status, 201);
}

async fn routes_of_one_scope_are_operations_of_their_own(backend: Backend) {
    use idempotent_runtime::store::record::Summary;
    let shop = open(backend);
    shop.post("/writes/orders").key("k").send().await;
    assert_eq!(shop.post("/writes/orders/7").key("k").send().await.body, "7, attempt 1");
    let record = shop.backend.store.record().await;
    let glance = Summary::of(&record.value);
    assert_eq!((glance.operation, &*glance.label), ("/writes/orders/{id}", "k"));
    assert_eq!(shop.post("/writes/orders/8").key("k").send().await.body, "8, attempt 1");
    assert!(shop.post("/writes/orders/7").key("k").send().await.is_replay());
    assert_eq!(shop.handler.runs(), 3);
}

async fn an_annotated_handler_keeps_its_own_policy(backend: Backend) {
    let shop = open(backend);
    let send = || shop.post("/writes/annotated").key("k").send();
    let first = send().await;
    assert_eq!((first.status, &first.body[..]), (201, &b"attempt 1"[..]));
    assert_eq!(first.header("Idempotency-Stored"), None);
    for _ in 0..2 {
        send().await.is_problem(409, "duplicate");
    }
    // A failure frees the key of the handler, and the guard around it holds none.
    shop.handler.answers(|run| match run {
        2 => HttpResponse::ServiceUnavailable().finish(),
        3 => panic!("as the test asked"),
        _ => HttpResponse::Created().finish(),
    });
    for status in [503, 500, 201, 409] {
        assert_eq!(shop.post("/writes/annotated").key("other").send().await.status, status);
    }
    assert_eq!((shop.handler.runs(), shop.idempotency.counts().replayed), (4, 0));
}

async fn an_annotated_handler_that_waits_does_so_inside(backend: Backend) {
    let shop = open(backend);
    shop.handler.pause();
    let send = || tokio::spawn(shop.post("/waiting/annotated/waiting").key("k").send());
    let first = send();
    shop.handler.runs_reach(1).await;
    let others: Vec<_> = (0..5).map(|_| send()).collect();
    shop.all_are_in(6).await;
    shop.handler.resume();
    assert!(!first.await.unwrap().is_replay());
    for other in others {
        assert!(other.await.unwrap().is_replay());
    }
    assert_eq!(shop.handler.runs(), 1);
}

async fn an_annotated_handler_runs_to_its_end_inside(backend: Backend) {
    let shop = open(backend);
    let path = "/waiting/annotated/waiting";
    finishes_although_its_client_is_gone(&shop, path).await;
}

async fn what_an_extractor_refuses_leaves_the_key_free(backend: Backend) {
    let shop = open(backend);
    let order = |body: &'static str| {
        shop.post("/writes/json").key("k").header("Content-Type", "application/json").body(body)
    };
    assert_eq!(order("{").send().await.status, 400);
    assert_eq!(order("{").send().await.status, 400);
    assert_eq!(order("{}").send().await.status, 201);
    assert!(order("{}").send().await.is_replay());
    assert_eq!(shop.post("/writes/orders/seven").key("k").send().await.status, 404);
    let strict = || shop.post("/writes/strict").key("k");
    assert_eq!(strict().send().await.status, 400);
    assert_eq!(strict().header("X-Strict", "yes").send().await.status, 201);
    assert_eq!(shop.handler.runs(), 2);
}

async fn an_error_of_the_handler_is_its_answer(backend: Backend) {
    let shop = open(backend);
    shop.handler.answers(|_| HttpResponse::Conflict().finish());
    let send = || shop.post("/writes/failing").key("k").send();
    let (first, again) = (send().await, send().await);
    assert_eq!((first.status, &first.body[..]), (409, &b"no more of it"[..]));
    assert_eq!(
        (again.status, again.body, again.headers.contains_key("idempotency-replayed")),
        (409, first.body, true)
    );
    assert_eq!(shop.handler.runs(), 1);
}

async fn who_is_refused_outside_gets_no_replay(backend: Backend) {
    let shop = open(backend);
    let send = || shop.post("/checked/orders").key("k");
    assert_eq!(send().send().await.status, 201);
    assert_eq!(send().header("X-Revoked", "yes").send().await.status, 401);
    assert!(send().send().await.is_replay());
    // This is the order that the documentation warns about.
    let wrong = || shop.post("/unchecked/orders").key("k");
    assert_eq!(wrong().send().await.status, 201);
    assert!(wrong().header("X-Revoked", "yes").send().await.is_replay());
}

async fn an_error_of_a_middleware_inside_leaves_the_key_free(backend: Backend) {
    let shop = open(backend);
    let send = || shop.post("/unchecked/orders").key("k");
    assert_eq!(send().header("X-Revoked", "yes").send().await.status, 401);
    assert_eq!(send().header("X-Broken", "yes").send().await.status, 502);
    let retry = send().send().await;
    assert_eq!((retry.status, retry.is_replay(), shop.handler.runs()), (201, false, 2));
}

async fn of_fifty_at_once_behind_a_scope_one_runs(backend: Backend) {
    let shop = open(backend);
    shop.handler.pause();
    let all = join_all((0..50).map(|_| shop.post("/waiting/orders").key("k").send()));
    let (replies, ()) = tokio::join!(all, async {
        shop.all_are_in(50).await;
        shop.handler.resume();
    });
    assert_eq!(shop.handler.runs(), 1);
    assert!(replies.iter().all(|reply| reply.status == 201 && reply.body == "run 1"));
    assert_eq!(replies.iter().filter(|reply| !reply.is_replay()).count(), 1);
}

async fn behind_a_scope_a_handler_finishes_although_its_client_is_gone(backend: Backend) {
    let shop = open(backend);
    finishes_although_its_client_is_gone(&shop, "/waiting/orders").await;
}

/// A client resets its connection in the middle of the run; its retry gets the answer.
pub(crate) async fn finishes_although_its_client_is_gone(shop: &Shop, path: &str) {
    shop.handler.pause();
    let mut client = TcpStream::connect(shop.server.address()).await.unwrap();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer alice\r\n\
         Idempotency-Key: k\r\nContent-Length: 0\r\n\r\n"
    );
    client.write_all(request.as_bytes()).await.unwrap();
    shop.handler.runs_reach(1).await;
    // The connection ends by a reset, so actix drops the handler's future.
    client.set_zero_linger().unwrap();
    drop(client);
    // Other requests on the same server were served after the reset arrived.
    for _ in 0..20 {
        shop.post(path).send().await.is_problem(400, "key-missing");
    }
    shop.handler.resume();
    shop.handler.answers_reach(1).await;
    let retry = shop.post(path).key("k").send().await;
    assert_eq!((retry.status, retry.is_replay(), shop.handler.runs()), (201, true, 1));
}

async fn a_panic_behind_a_scope_is_answered_and_a_retry_runs(backend: Backend) {
    let shop = open(backend);
    shop.handler.answers(|run| {
        assert!(run > 1, "as the test asked");
        HttpResponse::Created().finish()
    });
    let first = shop.post("/writes/orders").key("k").send().await;
    first.is_problem(500, "handler-panicked");
    let retry = shop.post("/writes/orders").key("k").send().await;
    assert_eq!((retry.status, retry.is_replay()), (201, false));
}

async fn a_held_scope_holds_after_a_panic(backend: Backend) {
    let shop = open(backend);
    shop.handler.answers(|_| panic!("as the test asked"));
    assert_eq!(shop.post("/holding/orders").key("k").send().await.status, 500);
    shop.post("/holding/orders").key("k").send().await.is_problem(409, "outcome-unknown");
    assert_eq!(shop.handler.runs(), 1);
}

async fn a_body_reaches_the_handler_whole_unless_it_is_too_long(backend: Backend) {
    let shop = open(backend);
    let body = vec![b'x'; 100_000];
    let reply = shop.post("/writes/length").key("k").body(body.clone()).send().await;
    assert_eq!(&reply.body[..], b"100000");
    let put = shop.server.send(Method::PUT, "/optional/length").header("X-Key", "k").body(body);
    put.send().await.is_problem(413, "body-too-large");
    assert_eq!(shop.handler.runs(), 1);
}

async fn tokens_guard_a_scope(backend: Backend) {
    let shop = open(backend);
    let issued = async |path| shop.server.send(Method::GET, path).send().await.body.to_vec();
    let (token, another) = (issued("/issued").await, issued("/issued-for-another").await);
    let send = |path, token: &[u8]| shop.post(path).header("token", token).send();
    assert_eq!(send("/tokens/orders", &token).await.status, 201);
    assert!(send("/tokens/orders", &token).await.is_replay());
    // A token is the same for all routes of its operation, and is used up now.
    send("/tokens/json", &token).await.is_problem(422, "key-reused");
    send("/tokens/orders", &another).await.is_problem(412, "token-invalid");
    assert_eq!(shop.handler.runs(), 1);
}

async fn while_the_store_is_down_nothing_behind_a_scope_runs(backend: Backend) {
    let shop = open(backend);
    shop.backend.store.set_down(true);
    shop.post("/writes/orders").key("k").send().await.is_problem(503, "store-unavailable");
    shop.backend.store.set_down(false);
    assert_eq!(shop.handler.runs(), 0);
    assert_eq!(shop.post("/writes/orders").key("k").send().await.status, 201);
}

/// The guard is around a whole app, where the route is not known yet.
#[actix_web::test]
async fn an_app_is_guarded_as_a_whole() {
    let handler = ControlledHandler::new();
    let idempotency = Idempotency::builder(idempotent_runtime::MemoryStore::new())
        .scope(idempotent_runtime::Scope::shared())
        .build()
        .unwrap();
    let app = App::new()
        .app_data(idempotency.clone())
        .app_data(Data::new(handler.clone()))
        .wrap(Middleware::new(&idempotency, &WRITES))
        .configure(routes);
    let app = test::init_service(app).await;
    let send = async |path: &str, body: &Value| {
        let request = test::TestRequest::post().uri(path).insert_header(("Idempotency-Key", "k"));
        let response = test::call_service(&app, request.set_json(body).to_request()).await;
        let replayed = response.headers().contains_key("Idempotency-Replayed");
        (response.status().as_u16(), replayed, test::read_body(response).await)
    };
    let order = json!({"sku": "book"});
    for path in ["/orders", "/orders/7", "/json", "/annotated/waiting"] {
        let (first, again) = (send(path, &order).await, send(path, &order).await);
        assert_eq!((first.0, first.1, again.0, again.1), (201, false, 201, true), "{path}");
        assert_eq!(first.2, again.2);
    }
    assert_eq!(send("/nowhere", &order).await.0, 404);
    assert_eq!(handler.runs(), 4);
}

#[::core::prelude::v1::test]
#[should_panic(expected = "a middleware's policy is one of `request_id` or `token`")]
fn a_policy_that_needs_a_handler_is_refused() {
    static LOCK: Policy = Policy::of_routes(Strategy::Lock);
    let idempotency = Idempotency::builder(idempotent_runtime::MemoryStore::new())
        .scope(idempotent_runtime::Scope::shared())
        .build()
        .unwrap();
    drop(Middleware::new(&idempotency, &LOCK));
}

#[::core::prelude::v1::test]
#[should_panic(expected = "a middleware's policy of `token` names its `operation`")]
fn tokens_for_no_operation_are_refused() {
    static NAMELESS: Policy = Policy::of_routes(Strategy::Token);
    let idempotency = Idempotency::builder(idempotent_runtime::MemoryStore::new())
        .scope(idempotent_runtime::Scope::shared())
        .build()
        .unwrap();
    drop(Middleware::new(&idempotency, &NAMELESS));
}

async fn a_scope_can_ask_when_a_request_was_first_sent(backend: Backend) {
    let shop = open(backend);
    let now = shop.backend.clock.wall().as_secs();
    let send = |key: &'static str, time: u64| {
        let sent = time.to_string();
        shop.post("/timed/orders").key(key).header("Repeatability-First-Sent", sent).send()
    };
    assert_eq!(send("k", now).await.status, 201);
    assert!(send("k", now).await.is_replay());
    let day = 24 * 60 * 60;
    send("late", now - day).await.is_problem(412, "retry-too-late");
    shop.post("/timed/orders").key("none").send().await.is_problem(400, "stale-request");
    assert_eq!(shop.handler.runs(), 1);
}

#[::core::prelude::v1::test]
#[should_panic(expected = "`first_sent_header` needs a ttl of over 30 seconds")]
fn a_first_time_of_records_that_live_as_long_as_clocks_differ_is_refused() {
    static SHORT: Policy = Policy::of_routes(Strategy::RequestId).ttl(Duration::from_secs(30));
    let idempotency = Idempotency::builder(idempotent_runtime::MemoryStore::new())
        .scope(idempotent_runtime::Scope::shared())
        .build()
        .unwrap();
    drop(Middleware::new(&idempotency, &SHORT).first_sent_header("Repeatability-First-Sent"));
}
