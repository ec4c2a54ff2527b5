//! Nothing crosses a scope.

use crate::Shop;
use actix_web::error::ErrorForbidden;
use idempotent_runtime::Scope;
use reqwest::Method;
use tests::{Backend, Sender};

on_every_store! {
    another_account_runs_independently,
    a_path_is_one_however_it_is_spelled,
    who_does_not_say_who_it_is_claims_nothing,
    a_scope_function_that_fails_claims_nothing,
    a_handler_can_have_a_scope_of_its_own,
    a_handler_can_share_keys_on_purpose,
    scope_and_key_do_not_run_together,
    namespaces_keep_apps_apart_on_one_store,
    a_secret_is_part_of_every_key_and_fingerprint,
}

/// Invariant S7.
async fn another_account_runs_independently(backend: Backend) {
    let shop = Shop::open(backend);
    shop.handler.answers(|run| actix_web::HttpResponse::Ok().body(format!("account {run}")));
    let alice = shop.post("/orders").key("k").body("same").send().await;
    let bob = |key: &'static str| {
        shop.post("/orders").only("authorization", "Bearer bob").key(key).body("same").send()
    };
    let first = bob("k").await;
    assert_eq!((first.is_replay(), &first.body[..]), (false, &b"account 2"[..]));
    assert_eq!(bob("k").await.body, "account 2");
    assert_eq!(alice.body, "account 1");
}

/// A retry may come through a proxy that spells the path its own way.
async fn a_path_is_one_however_it_is_spelled(backend: Backend) {
    let shop = Shop::open(backend);
    let first = shop.post("/orders/a-b/items").key("k").send().await;
    for spelled in ["/orders/a%2Db/items", "/orders/%61%2d%62/items"] {
        let again = shop.post(spelled).key("k").send().await;
        assert_eq!((again.is_replay(), &again.body), (true, &first.body), "{spelled}");
    }
    assert!(!shop.post("/orders/a%2Cb/items").key("k").send().await.is_replay());
    assert_eq!(shop.handler.runs(), 2);
}

async fn who_does_not_say_who_it_is_claims_nothing(backend: Backend) {
    let shop = Shop::open(backend);
    let anonymous =
        |value: &'static str| shop.post("/orders").only("authorization", value).key("k");
    anonymous("").send().await.is_problem(400, "scope-missing");
    let twice = shop.post("/orders").key("k").header("Authorization", "Bearer bob");
    twice.send().await.is_problem(400, "scope-missing");
    for value in [b"Bearer \xfe", b"Bearer \xff"] {
        let url = format!("http://{}/orders", shop.server.address());
        let request = Sender::anonymous(Method::POST, url).key("k").header("Authorization", value);
        request.send().await.is_problem(400, "scope-missing");
    }
    assert_eq!(shop.handler.runs(), 0);
}

async fn a_scope_function_that_fails_claims_nothing(backend: Backend) {
    let shop = Shop::with(backend, |builder| {
        builder.scope(Scope::from_fn(|request| {
            match request.headers().get("X-Tenant").and_then(|tenant| tenant.to_str().ok()) {
                Some("closed") | None => Err(ErrorForbidden("no such tenant")),
                Some(tenant) => Ok(tenant.to_owned()),
            }
        }))
    });
    let send = |tenant: &'static str| shop.post("/orders").header("X-Tenant", tenant).key("k");
    let refused = send("closed").send().await;
    assert_eq!((refused.status, &refused.body[..]), (403, &b"no such tenant"[..]));
    assert_eq!(shop.handler.runs(), 0);
    send("").send().await.is_problem(400, "scope-missing");
    assert_eq!(send("a").send().await.body, "run 1");
    assert_eq!(send("b").send().await.body, "run 2");
    assert!(send("a").send().await.is_replay());
}

async fn a_handler_can_have_a_scope_of_its_own(backend: Backend) {
    let shop = Shop::open(backend);
    let send = |tenant: &'static str, user: &'static str| {
        shop.post("/personal").header("X-Tenant", tenant).header("X-User", user).key("k").send()
    };
    assert_eq!(send("a:b", "c").await.body, "run 1");
    assert_eq!(send("a", "b:c").await.body, "run 2");
    assert!(send("a:b", "c").await.is_replay());
    send("", "c").await.is_problem(400, "scope-missing");
}

async fn a_handler_can_share_keys_on_purpose(backend: Backend) {
    let shop = Shop::open(backend);
    shop.post("/everybodys").key("k").send().await;
    let bob = shop.post("/everybodys").only("authorization", "Bearer bob").key("k").send().await;
    assert!(bob.is_replay());
}

async fn scope_and_key_do_not_run_together(backend: Backend) {
    let shop = Shop::open(backend);
    let send = |who: &'static str, key: &'static str| {
        shop.post("/orders").only("authorization", who).key(key).send()
    };
    assert_eq!(send("a", "b:c").await.body, "run 1");
    assert_eq!(send("a:b", "c").await.body, "run 2");
}

async fn namespaces_keep_apps_apart_on_one_store(backend: Backend) {
    let store = backend.store.clone();
    let shop = Shop::with(backend, |builder| builder.namespace("one"));
    shop.post("/orders").key("k").send().await;
    let other = idempotent_runtime::Idempotency::builder(store)
        .scope(Scope::header("Authorization"))
        .clock(shop.backend.clock.clone())
        .namespace("two")
        .build()
        .unwrap();
    let server = tests::Server::start(&other, &shop.handler, crate::routes::all);
    assert!(!server.post("/orders").key("k").send().await.is_replay());
}

async fn a_secret_is_part_of_every_key_and_fingerprint(backend: Backend) {
    let shop = Shop::with(backend, |builder| builder.key_secret([7; 32]));
    let server = |secret: Option<[u8; 32]>| {
        let builder = crate::guard(&shop.backend);
        let builder = match secret {
            Some(secret) => builder.key_secret(secret),
            None => builder,
        };
        let idempotency = builder.build().unwrap();
        tests::Server::start(&idempotency, &shop.handler, crate::routes::all)
    };
    let (same, another, none) = (server(Some([7; 32])), server(Some([8; 32])), server(None));
    let send = |server: &tests::Server| server.post("/orders").key("k").body("b").send();
    assert_eq!(send(&shop.server).await.body, "run 1");
    assert!(send(&same).await.is_replay());
    shop.post("/orders").key("k").body("c").send().await.is_problem(422, "key-reused");
    assert_eq!(
        (send(&another).await.body, send(&none).await.body),
        ("run 2".into(), "run 3".into())
    );
    // A task's fingerprint is compared as it was stored.
    let address = shop.task("/reports", "k").await;
    let _runner = shop.run_tasks();
    assert_eq!(shop.is(&address, "succeeded").await["status"], "succeeded");
    assert_eq!(shop.task("/reports", "k").await, address);
    assert_eq!(shop.handler.runs(), 4);
}
