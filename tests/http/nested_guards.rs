//! Guards around guards: one guards the request, the innermost.

use crate::Shop;
use crate::scopes::finishes_although_its_client_is_gone;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpResponse, Responder, route};
use idempotent_runtime::extract::Attempt;
use idempotent_runtime::policy::{
    FingerprintOf, KeyRequirement, OnAbandoned, OnDuplicate, OnInFlight, Policy, Strategy,
};
use idempotent_runtime::store::record::Summary;
use idempotent_runtime::token::issue_token;
use idempotent_runtime::{Idempotency, Middleware, idempotent};
use reqwest::Method;
use std::time::Duration;
use tests::{Backend, ControlledHandler, eventually};

on_every_store! {
    of_two_guards_the_inner_one_guards,
    each_guard_has_records_of_its_own,
    the_policy_of_the_inner_guard_decides,
    a_failure_behind_two_guards_frees_the_key,
    while_a_run_lasts_its_duplicates_are_the_inner_guards,
    behind_two_guards_a_handler_finishes_although_its_client_is_gone,
    after_a_panic_the_inner_guard_decides,
    an_outer_guard_does_not_hold_what_the_inner_one_ran,
    an_inner_guard_without_a_key_leaves_the_request_to_the_outer_one,
    an_annotated_handler_behind_two_guards_keeps_its_own_policy,
    an_annotated_handler_without_its_key_is_guarded_by_the_scope,
    a_lock_inside_of_a_guard_leaves_the_key_to_it,
    after_a_panic_under_a_lock_both_guards_are_ended,
    a_token_is_used_once_behind_two_guards,
    a_route_that_the_outer_guard_excepts_is_guarded_by_the_inner_one,
}

type Handler = Data<ControlledHandler>;

static WRITES: Policy = Policy::of_routes(Strategy::RequestId);
static REJECTING: Policy = Policy::of_routes(Strategy::RequestId).on_duplicate(OnDuplicate::Reject);
static CARELESS: Policy =
    Policy::of_routes(Strategy::RequestId).fingerprint(FingerprintOf::Nothing);
static OPTIONAL: Policy =
    Policy::of_routes(Strategy::RequestId).key_requirement(KeyRequirement::Optional);
static WAITING: Policy = Policy::of_routes(Strategy::RequestId).on_in_flight(OnInFlight::Wait);
static HOLDING: Policy = Policy::of_routes(Strategy::RequestId)
    .on_abandoned(OnAbandoned::Hold)
    .lease(Duration::from_millis(500));
static SHORT: Policy = Policy::of_routes(Strategy::RequestId).lease(Duration::from_millis(500));
static TOKENS: Policy = Policy::of_routes(Strategy::Token).operation("placeOrder");

/// A server whose scopes are named after their guards, from the outermost.
fn open(backend: Backend) -> Shop {
    Shop::serving(backend, |builder| builder, scopes)
}

fn scopes(idempotency: &Idempotency, config: &mut ServiceConfig) {
    // Of two wrapped guards, the last one is outside.
    let twice = |path: &str, outer: Middleware, inner: Middleware| {
        web::scope(path).wrap(inner).wrap(outer).configure(routes)
    };
    let of = |policy| Middleware::new(idempotency, policy);
    let within = web::scope("/within").wrap(of(&WRITES)).configure(routes);
    let keyed = || of(&OPTIONAL).key_header("X-Key");
    let token = || of(&TOKENS).key_header("token");
    config
        .service(twice("/twice", of(&WRITES), of(&WRITES)))
        .service(web::scope("/around").wrap(of(&WRITES)).service(within))
        .service(twice("/rejecting/writes", of(&REJECTING), of(&WRITES)))
        .service(twice("/writes/rejecting", of(&WRITES), of(&REJECTING)))
        .service(twice("/careless/writes", of(&CARELESS), of(&WRITES)))
        .service(twice("/waiting/writes", of(&WAITING), of(&WRITES)))
        .service(twice("/writes/waiting", of(&WRITES), of(&WAITING)))
        .service(twice("/holding/short", of(&HOLDING), of(&SHORT)))
        .service(twice("/holding/keyed", of(&HOLDING), keyed()))
        .service(twice("/writes/keyed", of(&WRITES), keyed()))
        .service(twice("/tokens", token(), token()))
        .service(twice("/excepting", of(&WRITES).except("/excepting/orders"), of(&WRITES)))
        .route("/issued", issue_token("placeOrder"));
}

fn routes(config: &mut ServiceConfig) {
    config
        .route("/orders", web::post().to(orders))
        .route("/attempt", web::post().to(attempt))
        .service(annotated)
        .service(annotated_with_a_key_of_its_own)
        .service(locked);
}

async fn orders(handler: Handler) -> impl Responder {
    handler.run().await
}

async fn attempt(handler: Handler, attempt: Attempt) -> impl Responder {
    let run = handler.run().await;
    HttpResponse::build(run.status()).body(format!("attempt {}", attempt.number()))
}

#[route("/annotated", method = "POST")]
#[idempotent(on_in_flight = "wait", wait = "1m", operation = "annotated behind guards")]
async fn annotated(handler: Handler, attempt: Attempt) -> impl Responder {
    let run = handler.run().await;
    HttpResponse::build(run.status()).body(format!("attempt {}", attempt.number()))
}

#[route("/annotated/keyed", method = "POST")]
#[idempotent(key = "{header.X-Key}", required = false, operation = "keyed behind guards")]
async fn annotated_with_a_key_of_its_own(handler: Handler, attempt: Attempt) -> impl Responder {
    let run = handler.run().await;
    HttpResponse::build(run.status()).body(format!("attempt {}", attempt.number()))
}

#[route("/locked/{name}", method = "POST")]
#[idempotent(strategy = "lock", key = "nested:{path.name}")]
async fn locked(handler: Handler, attempt: Attempt) -> impl Responder {
    let run = handler.run().await;
    // Attempts of a lock begin with the milliseconds since 1970, those of a key with 1.
    let is_the_locks = attempt.is_certain() && attempt.number() > 1_000_000;
    HttpResponse::build(run.status()).body(format!("under a lock: {is_the_locks}"))
}

/// Behaviour 43.
async fn of_two_guards_the_inner_one_guards(backend: Backend) {
    let shop = open(backend);
    for (n, path) in ["/twice/orders", "/around/within/orders"].into_iter().enumerate() {
        let send = || shop.post(path).key("k").body("order").send();
        let first = send().await;
        assert_eq!((first.status, first.is_replay(), shop.handler.runs()), (201, false, n + 1));
        assert_eq!(first.header("Idempotency-Stored"), None);
        for _ in 0..2 {
            let again = send().await;
            assert_eq!((again.status, again.is_replay(), &again.body), (201, true, &first.body));
        }
        let other = shop.post(path).key("k").body("another").send().await;
        other.is_problem(422, "key-reused");
        assert_eq!(shop.handler.runs(), n + 1);
    }
    let bob = shop.post("/twice/orders").as_account("bob").key("k").body("order").send().await;
    assert_eq!((bob.status, bob.is_replay(), shop.handler.runs()), (201, false, 3));
}

async fn each_guard_has_records_of_its_own(backend: Backend) {
    let shop = open(backend);
    let first = shop.post("/twice/attempt").key("k").send().await;
    assert_eq!(&first.body[..], b"attempt 1", "the outer guard's claim is none of the inner one's");
}

async fn the_policy_of_the_inner_guard_decides(backend: Backend) {
    let shop = open(backend);
    let send = |path: &str| shop.post(path).key("k").send();
    assert_eq!(send("/rejecting/writes/orders").await.status, 201);
    assert!(send("/rejecting/writes/orders").await.is_replay());
    assert_eq!(send("/writes/rejecting/orders").await.status, 201);
    for _ in 0..2 {
        send("/writes/rejecting/orders").await.is_problem(409, "duplicate");
    }
    assert_eq!(send("/careless/writes/orders").await.status, 201);
    assert!(send("/careless/writes/orders").await.is_replay());
    let other = shop.post("/careless/writes/orders").key("k").body("another").send().await;
    other.is_problem(422, "key-reused");
    assert_eq!(shop.handler.runs(), 3);
}

async fn a_failure_behind_two_guards_frees_the_key(backend: Backend) {
    let shop = open(backend);
    shop.handler.answers(|run| match run {
        1 => HttpResponse::ServiceUnavailable().finish(),
        2 => panic!("as the test asked"),
        _ => HttpResponse::Created().finish(),
    });
    for status in [503, 500, 201, 201] {
        assert_eq!(shop.post("/twice/orders").key("k").send().await.status, status);
    }
    assert_eq!(shop.handler.runs(), 3);
}

async fn while_a_run_lasts_its_duplicates_are_the_inner_guards(backend: Backend) {
    let shop = open(backend);
    shop.handler.pause();
    let send = |path: &str| tokio::spawn(shop.post(path).key("k").send());
    // The outer guard alone would let this request wait.
    let first = send("/waiting/writes/orders");
    shop.handler.runs_reach(1).await;
    send("/waiting/writes/orders").await.unwrap().is_problem(409, "in-progress");
    // The outer guard alone would refuse this request. When it waits, both guards have claimed.
    let second = send("/writes/waiting/orders");
    shop.handler.runs_reach(2).await;
    let duplicate = send("/writes/waiting/orders");
    shop.waiters_reach(1).await;
    shop.handler.resume();
    assert!(!first.await.unwrap().is_replay());
    assert!(!second.await.unwrap().is_replay());
    assert!(duplicate.await.unwrap().is_replay());
    // A handler's guard takes over from all guards around it, even if one in between has no key.
    shop.handler.pause();
    let third = send("/writes/keyed/annotated");
    shop.handler.runs_reach(3).await;
    let duplicate = send("/writes/keyed/annotated");
    shop.waiters_reach(2).await;
    shop.handler.resume();
    assert!(!third.await.unwrap().is_replay());
    assert!(duplicate.await.unwrap().is_replay());
    assert_eq!(shop.handler.runs(), 3);
}

/// Behaviour 16.
async fn behind_two_guards_a_handler_finishes_although_its_client_is_gone(backend: Backend) {
    let shop = open(backend);
    finishes_although_its_client_is_gone(&shop, "/writes/waiting/orders").await;
    // When the client leaves, both guards are left: the outer one's key is free, and no run goes on.
    let mut states = Vec::new();
    for record in shop.backend.store.everything().await {
        states.push(Summary::of(&record).state.to_owned());
    }
    states.sort();
    assert_eq!(states, ["completed", "issued"]);
    eventually("no run goes on", async || {
        (shop.idempotency.drain(Duration::ZERO).await == 0).then_some(())
    })
    .await;
}

async fn after_a_panic_the_inner_guard_decides(backend: Backend) {
    let shop = open(backend);
    shop.handler.answers(|run| match run {
        1 | 3 => panic!("as the test asked"),
        _ => HttpResponse::Created().finish(),
    });
    let send = |path: &str| shop.post(path).key("k").send();
    send("/holding/short/orders").await.is_problem(500, "handler-panicked");
    assert_eq!(send("/holding/short/orders").await.status, 201);
    // If the inner guard has no key, the outer one decides.
    send("/holding/keyed/orders").await.is_problem(500, "handler-panicked");
    send("/holding/keyed/orders").await.is_problem(409, "outcome-unknown");
    assert_eq!(shop.handler.runs(), 3);
}

/// During a run the store does not answer for longer than both leases.
async fn an_outer_guard_does_not_hold_what_the_inner_one_ran(backend: Backend) {
    let shop = open(backend);
    let store = shop.backend.store.clone();
    shop.handler.answers(move |run| {
        store.set_down(run == 1);
        HttpResponse::Created().body(format!("run {run}"))
    });
    let running = tokio::spawn(shop.post("/holding/short/orders").key("k").send());
    shop.handler.answers_reach(1).await;
    shop.backend.pass(Duration::from_millis(500)).await;
    let first = running.await.unwrap();
    assert_eq!((first.status, first.header("Idempotency-Stored")), (201, Some("false")));
    shop.backend.store.set_down(false);
    // The inner guard's lease is over, but no other run took its key: its outcome is sent again until it is stored.
    let stored = async || (shop.idempotency.counts().stored_late == 1).then_some(());
    eventually("the outcome is stored behind its answer", stored).await;
    let retry = shop.post("/holding/short/orders").key("k").send().await;
    assert_eq!((retry.status, retry.is_replay(), &retry.body[..]), (201, true, &b"run 1"[..]));
}

async fn an_inner_guard_without_a_key_leaves_the_request_to_the_outer_one(backend: Backend) {
    let shop = open(backend);
    let send = || shop.post("/writes/keyed/attempt").key("k");
    let first = send().send().await;
    assert_eq!((first.status, &first.body[..]), (201, &b"attempt 1"[..]));
    assert!(send().send().await.is_replay());
    // With its key the inner guard guards, and the outer guard's record stays.
    let keyed = |key: &str| shop.post("/writes/keyed/attempt").key(key).header("X-Key", "mine");
    assert!(keyed("k").send().await.is_replay());
    let by_inner = keyed("other").send().await;
    assert_eq!((by_inner.status, by_inner.is_replay()), (201, false));
    let again = keyed("third").send().await;
    assert_eq!((again.status, again.is_replay(), &again.body), (201, true, &by_inner.body));
    assert_eq!(shop.handler.runs(), 2);
}

async fn an_annotated_handler_behind_two_guards_keeps_its_own_policy(backend: Backend) {
    let shop = open(backend);
    let send = |key: &str| shop.post("/twice/annotated").key(key).send();
    let first = send("k").await;
    assert_eq!((first.status, &first.body[..]), (201, &b"attempt 1"[..]));
    assert!(send("k").await.is_replay());
    shop.handler.answers(|run| match run {
        2 => HttpResponse::ServiceUnavailable().finish(),
        3 => panic!("as the test asked"),
        _ => HttpResponse::Created().finish(),
    });
    for status in [503, 500, 201, 201] {
        assert_eq!(send("other").await.status, status);
    }
    assert_eq!(shop.handler.runs(), 4);
}

async fn an_annotated_handler_without_its_key_is_guarded_by_the_scope(backend: Backend) {
    let shop = open(backend);
    for path in ["/rejecting/writes/annotated/keyed", "/twice/annotated/keyed"] {
        let first = shop.post(path).key("k").send().await;
        assert_eq!((first.status, &first.body[..]), (201, &b"attempt 1"[..]));
        assert!(shop.post(path).key("k").send().await.is_replay());
        let keyed = |key: &str| shop.post(path).key(key).header("X-Key", "mine").send();
        assert!(!keyed("l").await.is_replay());
        assert!(keyed("m").await.is_replay());
    }
    assert_eq!(shop.handler.runs(), 4);
}

async fn a_lock_inside_of_a_guard_leaves_the_key_to_it(backend: Backend) {
    let shop = open(backend);
    for path in ["/writes/keyed/locked/one", "/twice/locked/two"] {
        let first = shop.post(path).key("k").send().await;
        assert_eq!((first.status, &first.body[..]), (201, &b"under a lock: true"[..]));
        assert!(shop.post(path).key("k").send().await.is_replay());
        // The lock is free again.
        assert_eq!(shop.post(path).key("l").send().await.status, 201);
    }
    assert_eq!(shop.handler.runs(), 4);
}

async fn after_a_panic_under_a_lock_both_guards_are_ended(backend: Backend) {
    let shop = open(backend);
    shop.handler.answers(|run| match run {
        1 | 3 => panic!("as the test asked"),
        _ => HttpResponse::Created().finish(),
    });
    let send = |path: &str| shop.post(path).key("k").send();
    send("/twice/locked/name").await.is_problem(500, "handler-panicked");
    assert_eq!(send("/twice/locked/name").await.status, 201);
    // The policy of the guard that has the key decides, and the lock is free in any case.
    send("/holding/keyed/locked/name").await.is_problem(500, "handler-panicked");
    send("/holding/keyed/locked/name").await.is_problem(409, "outcome-unknown");
    assert_eq!(shop.post("/holding/keyed/locked/name").key("l").send().await.status, 201);
    assert_eq!(shop.handler.runs(), 4);
}

async fn a_token_is_used_once_behind_two_guards(backend: Backend) {
    let shop = open(backend);
    let token = shop.server.send(Method::GET, "/issued").send().await.body;
    let token = std::str::from_utf8(&token).unwrap();
    let send = || shop.post("/tokens/orders").header("token", token).send();
    shop.handler.answers(|run| match run {
        1 => HttpResponse::ServiceUnavailable().finish(),
        _ => HttpResponse::Created().finish(),
    });
    assert_eq!(send().await.status, 503);
    assert_eq!(send().await.status, 201);
    assert!(send().await.is_replay());
    assert_eq!(shop.handler.runs(), 2);
}

async fn a_route_that_the_outer_guard_excepts_is_guarded_by_the_inner_one(backend: Backend) {
    use idempotent_runtime::store::record::Summary;
    let shop = open(backend);
    assert_eq!(shop.post("/excepting/orders").key("k").send().await.status, 201);
    let record = shop.backend.store.record().await;
    assert_eq!(Summary::of(&record.value).operation, "/excepting/orders");
    assert!(shop.post("/excepting/orders").key("k").send().await.is_replay());
    assert_eq!(shop.handler.runs(), 1);
}
