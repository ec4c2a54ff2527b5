//! A record of every strategy is found by facts that a person knows about its request.

use crate::{Routes, Shop, guard, routes};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{Responder, route};
use idempotent_runtime::key::{Guard, KeyParts, StorageKey};
use idempotent_runtime::policy::{Policy, Strategy};
use idempotent_runtime::records::{KeptOutcome, RecordStage, RecordState, Target, TargetError};
use idempotent_runtime::{Idempotency, IdempotencyBuilder, Middleware, idempotent};
use reqwest::Method;
use tests::{Backend, ControlledHandler, Sender};

on_every_store! {
    a_request_is_found_by_its_route_and_key,
    a_request_is_found_by_every_segment_of_its_key,
    a_path_is_found_however_it_is_spelled,
    a_named_operation_at_a_route_is_found_by_its_name,
    what_a_middleware_guards_is_found_by_its_depth,
    a_token_is_found_before_and_after_its_use,
    a_signed_token_is_found_by_its_use,
    an_answer_is_found_by_its_operation_or_its_pattern,
    a_lock_is_found_by_its_name,
    a_task_is_found_by_its_request_and_by_its_id,
    hosts_are_told_apart_where_the_app_does_so,
}

const OPERATION: &str = "token_replayed";

type Handler = Data<ControlledHandler>;

static WRITES: Policy = Policy::of_routes(Strategy::RequestId);

#[route("/named", method = "POST")]
#[idempotent(operation = "place")]
async fn named(handler: Handler) -> impl Responder {
    handler.run().await
}

#[route("/prices/{id}", method = "GET")]
#[idempotent(strategy = "cache", operation = "price", key = "price:{path.id}", ttl = "1h")]
async fn read_price(handler: Handler) -> impl Responder {
    handler.run().await
}

#[route("/goods/{id}", method = "GET")]
#[idempotent(strategy = "cache", key = "of:{path.id}", ttl = "1h")]
async fn read_goods(handler: Handler) -> impl Responder {
    handler.run().await
}

#[route("/list", method = "GET")]
#[idempotent(strategy = "cache", operation = "list", ttl = "1h")]
async fn read_list(handler: Handler) -> impl Responder {
    handler.run().await
}

async fn plain(handler: Handler) -> impl Responder {
    handler.run().await
}

fn all(guard: &Idempotency, config: &mut ServiceConfig) {
    let guarded = |path: &str| web::scope(path).wrap(Middleware::new(guard, &WRITES));
    let inner = guarded("/inner").route("/orders", web::post().to(plain));
    config.service(guarded("/outer").service(inner).route("/orders", web::post().to(plain)));
    config
        .service(named)
        .service(read_price)
        .service(read_goods)
        .service(read_list)
        .configure(routes::all);
}

/// The scope of alice's requests: what her Authorization header says.
fn alice() -> KeyParts {
    KeyParts::new().value("Bearer alice")
}

fn value(value: &str) -> KeyParts {
    KeyParts::new().value(value)
}

impl Shop {
    fn of_targets(backend: Backend) -> Self {
        Self::serving(backend, |builder| builder, all)
    }

    /// Alice's record for a target and a key. Checks that no other caller has one there.
    async fn found(&self, target: &Target, key: &KeyParts) -> (Guard, RecordState) {
        self.found_in(target, &alice(), key).await
    }

    async fn found_in(
        &self,
        target: &Target,
        scope: &KeyParts,
        key: &KeyParts,
    ) -> (Guard, RecordState) {
        let record = self.idempotency.find(target, scope, key).await.expect("a target that fits");
        let record = record.unwrap_or_else(|| panic!("{target:?} {key:?}"));
        assert_eq!(self.idempotency.storage_key(target, scope, key), Ok(*record.key()));
        let bob = value("Bearer bob");
        assert!(self.idempotency.find(target, &bob, key).await.unwrap().is_none());
        (record.guard().expect("a record"), record.state())
    }
}

fn is_created(state: RecordState) {
    let RecordState::Completed(KeptOutcome::Response { status, .. }) = state else {
        panic!("{state:?}")
    };
    assert_eq!(status, 201);
}

async fn a_request_is_found_by_its_route_and_key(backend: Backend) {
    let shop = Shop::open(backend);
    let target = Target::route("POST", "/orders");
    let nothing = shop.idempotency.find(&target, &alice(), &value("k")).await.unwrap();
    assert!(nothing.is_none());
    shop.post("/orders").key("\"k\"").send().await;
    let (guard, state) = shop.found(&target, &value("k")).await;
    assert_eq!(guard, Guard::Handler);
    is_created(state);
    let record = shop.idempotency.find(&target, &alice(), &value("k")).await.unwrap().unwrap();
    assert_eq!((record.operation(), record.label(), record.attempt()), ("orders", "k", 1));
    assert!(record.function().is_some_and(|path| path.ends_with("::orders")), "{record:?}");
    assert!(record.claimed_at().is_some() && record.outcome().is_some());
    shop.post("/everybodys").key("k").send().await;
    let everybodys = Target::route("POST", "/everybodys");
    let (_, state) = shop.found_in(&everybodys, &KeyParts::new(), &value("k")).await;
    is_created(state);
    for target in [Target::route("PUT", "/orders"), Target::route("POST", "/short")] {
        assert!(shop.idempotency.find(&target, &alice(), &value("k")).await.unwrap().is_none());
    }
}

async fn a_request_is_found_by_every_segment_of_its_key(backend: Backend) {
    let shop = Shop::open(backend);
    let request = shop.post("/by-sources/7?q=a").header("Cookie", "sid=s").header("X-Part", "p");
    assert_eq!(request.send().await.status, 201);
    let key = value("a").text("-").value("s").text("-").value("p").text("-").value("7");
    is_created(shop.found(&Target::route("POST", "/by-sources/7"), &key).await.1);
    let request = shop.post("/personal").header("X-Tenant", "t").header("X-User", "u").key("k");
    assert_eq!(request.send().await.status, 201);
    let (target, scope) = (Target::route("POST", "/personal"), value("t").text(":").value("u"));
    is_created(shop.found_in(&target, &scope, &value("k")).await.1);
}

async fn a_path_is_found_however_it_is_spelled(backend: Backend) {
    let shop = Shop::open(backend);
    shop.post("/in-any-case/a%2fb+%63").key("k").send().await;
    for path in ["/in-any-case/a%2Fb+c", "/in%2Dany-case/a%2fb%2Bc"] {
        is_created(shop.found(&Target::route("POST", path), &value("k")).await.1);
    }
    let other = Target::route("POST", "/in-any-case/a/b+c");
    assert!(shop.idempotency.find(&other, &alice(), &value("k")).await.unwrap().is_none());
    for path in ["orders", "/orders?a=b", ""] {
        let told =
            shop.idempotency.storage_key(&Target::route("POST", path), &alice(), &value("k"));
        assert_eq!(told, Err(TargetError::NoPath(path.to_owned())));
    }
}

async fn a_named_operation_at_a_route_is_found_by_its_name(backend: Backend) {
    let shop = Shop::of_targets(backend);
    shop.post("/named").key("k").send().await;
    let target = Target::route("POST", "/named");
    assert!(shop.idempotency.find(&target, &alice(), &value("k")).await.unwrap().is_none());
    is_created(shop.found(&target.named("place"), &value("k")).await.1);
}

async fn what_a_middleware_guards_is_found_by_its_depth(backend: Backend) {
    let shop = Shop::of_targets(backend);
    for path in ["/outer/orders", "/outer/inner/orders"] {
        assert_eq!(shop.post(path).key("k").send().await.status, 201);
    }
    let outer = Target::route("POST", "/outer/orders");
    let (guard, state) = shop.found(&outer.clone().middleware(0), &value("k")).await;
    assert_eq!(guard, Guard::Middleware { depth: 0 });
    is_created(state);
    let inner = Target::route("POST", "/outer/inner/orders");
    is_created(shop.found(&inner.clone().middleware(1), &value("k")).await.1);
    let released = shop.found(&inner.clone().middleware(0), &value("k")).await;
    assert_eq!(released.1, RecordState::Issued, "the outer guard gave it back");
    for other in [outer.clone(), inner, outer.middleware(1)] {
        assert!(shop.idempotency.find(&other, &alice(), &value("k")).await.unwrap().is_none());
    }
}

impl Shop {
    async fn issued(&self, operation: &str) -> String {
        let token = self.read(&format!("/tokens/{operation}")).await.body;
        String::from_utf8(token.to_vec()).expect("text")
    }
}

async fn a_token_is_found_before_and_after_its_use(backend: Backend) {
    let shop = Shop::open(backend);
    let (token, target) =
        (shop.issued(OPERATION).await, Target::operation(Strategy::Token, OPERATION));
    let waiting = shop.found(&target, &value(&token)).await;
    assert_eq!(waiting, (Guard::Token, RecordState::Issued));
    shop.post("/token-replayed").header("token", &token).send().await;
    is_created(shop.found(&target, &value(&token.to_lowercase())).await.1);
    let told = shop.idempotency.storage_key(&target, &alice(), &value("k"));
    assert_eq!(told, Err(TargetError::NoToken));
}

async fn a_signed_token_is_found_by_its_use(backend: Backend) {
    let shop = Shop::with(backend, |builder| builder.token_secret([7; 32]));
    let (token, target) =
        (shop.issued(OPERATION).await, Target::operation(Strategy::Token, OPERATION));
    assert!(shop.idempotency.find(&target, &alice(), &value(&token)).await.unwrap().is_none());
    shop.post("/token-replayed").header("token", &token).send().await;
    is_created(shop.found(&target, &value(&token)).await.1);
}

async fn an_answer_is_found_by_its_operation_or_its_pattern(backend: Backend) {
    let shop = Shop::of_targets(backend);
    for path in ["/prices/7", "/goods/7", "/list?a=%62"] {
        assert_eq!(shop.read(path).await.status, 201, "{path}");
    }
    let price = Target::operation(Strategy::Cache, "price");
    assert_eq!(shop.found(&price, &value("7")).await.0, Guard::Cache);
    let goods = Target::pattern("/goods/{id}");
    shop.found(&goods, &KeyParts::new().text("of:").value("7")).await;
    let list = Target::operation(Strategy::Cache, "list");
    shop.found(&list, &value("/list").value("a=b")).await;
}

async fn a_lock_is_found_by_its_name(backend: Backend) {
    let shop = Shop::open(backend);
    shop.post("/locked/7").send().await;
    let lock = shop.idempotency.lock("nightly report").acquire().await.unwrap();
    let locks = async |name: &str| {
        let (target, everybody) = (Target::lock(), KeyParts::new());
        let found = shop.idempotency.find(&target, &everybody, &value(name)).await.unwrap();
        let record = found.expect("a lock");
        assert_eq!(record.guard(), Some(Guard::Lock));
        record.state().stage()
    };
    assert_eq!(locks("thing:7").await, RecordStage::Issued);
    assert_eq!(locks("nightly report").await, RecordStage::Running);
    lock.release().await;
    assert_eq!(locks("nightly report").await, RecordStage::Issued);
}

async fn a_task_is_found_by_its_request_and_by_its_id(backend: Backend) {
    let shop = Shop::open(backend);
    let address = shop.task("/reports", "k").await;
    let (_, id) = address.rsplit_once('/').expect("an address");
    let target = Target::route("POST", "/reports");
    let waiting = (Guard::Task, RecordState::Issued);
    assert_eq!(shop.found(&target.clone().task(), &value("k")).await, waiting);
    assert_eq!(shop.found(&Target::task_id(), &value(id)).await, waiting);
    assert!(shop.idempotency.find(&target, &alice(), &value("k")).await.unwrap().is_none());
}

fn of_hosts(builder: IdempotencyBuilder) -> IdempotencyBuilder {
    builder.host_is_identity()
}

async fn hosts_are_told_apart_where_the_app_does_so(backend: Backend) {
    let routes: Routes = all;
    let shop = Shop::serving(backend, of_hosts, routes);
    let to = |sender: Sender| sender.header("Host", "A.example:443");
    to(shop.post("/orders").key("k")).send().await;
    to(shop.server.send(Method::GET, "/goods/7")).send().await;
    let target = Target::route("POST", "/orders");
    is_created(shop.found(&target.clone().host("a.EXAMPLE"), &value("k")).await.1);
    let goods = (Target::pattern("/goods/{id}"), KeyParts::new().text("of:").value("7"));
    shop.found(&goods.0.clone().host("a.example"), &goods.1).await;
    let other = target.clone().host("b.example");
    assert!(shop.idempotency.find(&other, &alice(), &value("k")).await.unwrap().is_none());
    let key = |target: &Target| shop.idempotency.storage_key(target, &alice(), &value("k"));
    assert_eq!(key(&target), Err(TargetError::HostMissing));
    let no_host = target.clone().host("a b");
    assert_eq!(key(&no_host), Err(TargetError::NoHost("a b".to_owned())));
    // Otherwise the host does not matter.
    let elsewhere = guard(&shop.backend).build().unwrap();
    let with = elsewhere.storage_key(&target.clone().host("a.example"), &alice(), &value("k"));
    assert_eq!(with, elsewhere.storage_key(&target, &alice(), &value("k")));
}

#[tokio::test]
async fn a_target_without_a_record_is_an_error_in_words() {
    let shop = Shop::open(Backend::memory().await);
    let key = |target: Target, key: KeyParts| -> Result<StorageKey, String> {
        shop.idempotency.storage_key(&target, &alice(), &key).map_err(|error| error.to_string())
    };
    for (target, told) in [
        (Target::operation(Strategy::Lock, "x"), "use `Target::lock()`"),
        (Target::operation(Strategy::RequestId, "x"), "use `Target::route(method, path)`"),
        (Target::operation(Strategy::Async, "x"), "use `Target::route(method, path)`"),
        (Target::lock().host("a"), "`host` is for targets made by `Target::route`"),
        (Target::task_id().middleware(0), "`middleware` is for"),
        (Target::pattern("/").task(), "`task` is for"),
        (Target::operation(Strategy::Cache, "x").named("y"), "`named` is for"),
    ] {
        let error = key(target, value("k")).expect_err("it names none");
        assert!(error.contains(told), "{error}");
    }
    let empty = key(Target::route("POST", "/orders"), KeyParts::new());
    assert_eq!(empty, Err("the key is empty, and no request has an empty key".to_owned()));
}
