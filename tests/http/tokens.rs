//! Tokens, stored and signed.

use crate::Shop;
use actix_web::HttpResponse;
use futures_util::future::join_all;
use idempotent_runtime::IdempotencyBuilder;
use std::time::Duration;
use tests::{Backend, Reply, Sender};

on_every_store! {
    a_stored_token_is_used_up,
    a_signed_token_is_used_up,
    a_stored_token_can_replay,
    a_signed_token_can_replay,
    a_token_that_is_over_still_finds_what_it_was_used_for,
    stored_tokens_that_are_not_valid_here_look_all_alike,
    signed_tokens_that_are_not_valid_here_look_all_alike,
    of_three_hundred_with_one_stored_token_one_runs,
    of_three_hundred_with_one_signed_token_one_runs,
    after_a_failure_a_stored_token_can_be_used_again,
    after_a_failure_a_signed_token_can_be_used_again,
    a_stored_token_given_back_keeps_its_end,
    a_request_that_an_extractor_refuses_spends_no_token,
    an_old_secret_is_accepted_while_a_new_one_takes_over,
    issuing_a_signed_token_writes_nothing,
    a_spelling_of_a_signed_token_is_no_second_token,
    a_handler_can_render_a_token,
    without_a_token_nothing_runs,
}

const SECRET: [u8; 32] = [7; 32];

fn signed(builder: IdempotencyBuilder) -> IdempotencyBuilder {
    builder.token_secret(SECRET).token_ttl(Duration::from_secs(2))
}

fn stored(builder: IdempotencyBuilder) -> IdempotencyBuilder {
    builder.token_ttl(Duration::from_secs(2))
}

impl Shop {
    async fn token(&self, operation: &str) -> String {
        let url = format!("http://{}/tokens/{operation}", self.server.address());
        let reply = Sender::new(reqwest::Method::GET, url).send().await;
        assert_eq!((reply.status, reply.header("Cache-Control")), (200, Some("no-store")));
        assert_eq!(reply.header("Content-Type"), Some("text/plain; charset=utf-8"));
        String::from_utf8(reply.body.to_vec()).unwrap()
    }

    async fn with_token(&self, path: &str, token: &str) -> Reply {
        self.post(path).header("token", token).send().await
    }
}

async fn a_stored_token_is_used_up(backend: Backend) {
    used_up(&Shop::with(backend, stored)).await;
}

async fn a_signed_token_is_used_up(backend: Backend) {
    used_up(&Shop::with(backend, signed)).await;
}

async fn used_up(shop: &Shop) {
    let token = shop.token("token").await;
    let first = shop.with_token("/token", &token).await;
    assert_eq!((first.status, &first.body[..]), (201, &b"run 1"[..]));
    shop.with_token("/token", &token).await.is_problem(409, "duplicate");
    let other = shop.post("/token").header("token", &token).body("another request").send().await;
    other.is_problem(422, "key-reused");
    assert_ne!(token, shop.token("token").await);
    assert_eq!(shop.handler.runs(), 1);
}

async fn a_stored_token_can_replay(backend: Backend) {
    replayed(&Shop::with(backend, stored)).await;
}

async fn a_signed_token_can_replay(backend: Backend) {
    replayed(&Shop::with(backend, signed)).await;
}

async fn replayed(shop: &Shop) {
    let token = shop.token("token_replayed").await;
    let first = shop.with_token("/token-replayed", &token).await;
    let second = shop.with_token("/token-replayed", &token).await;
    assert_eq!((second.is_replay(), second.body), (true, first.body));
}

async fn a_token_that_is_over_still_finds_what_it_was_used_for(backend: Backend) {
    let shop = Shop::with(backend, signed);
    let (used, unused) = (shop.token("token").await, shop.token("token").await);
    let replayed = shop.token("token_replayed").await;
    assert_eq!(shop.with_token("/token", &used).await.status, 201);
    let first = shop.with_token("/token-replayed", &replayed).await;
    shop.backend.pass(Duration::from_secs(2)).await;
    shop.with_token("/token", &used).await.is_problem(409, "duplicate");
    let again = shop.with_token("/token-replayed", &replayed).await;
    assert_eq!((again.is_replay(), again.body), (true, first.body));
    shop.with_token("/token", &unused).await.is_problem(412, "token-invalid");
    assert_eq!(shop.handler.runs(), 2);
}

async fn stored_tokens_that_are_not_valid_here_look_all_alike(backend: Backend) {
    alike(&Shop::with(backend, stored)).await;
}

async fn signed_tokens_that_are_not_valid_here_look_all_alike(backend: Backend) {
    alike(&Shop::with(backend, signed)).await;
}

async fn alike(shop: &Shop) {
    let expired = shop.token("token").await;
    shop.backend.pass(Duration::from_secs(2)).await;
    let elsewhere = shop.token("token_replayed").await;
    let foreign = shop.token("token").await;
    let forged = format!("{}.{}", "0".repeat(26), "A".repeat(43));
    let bob = shop.post("/token").only("authorization", "Bearer bob").header("token", &foreign);
    let replies = [
        bob.send().await,
        shop.with_token("/token", &expired).await,
        shop.with_token("/token", &elsewhere).await,
        shop.with_token("/token", &forged).await,
        shop.with_token("/token", "01ARZ3NDEKTSV4RRFFQ69G5FAV").await,
        shop.with_token("/token", "no-ulid-at-all").await,
        // This text has 130 bits, but a ULID has 128.
        shop.with_token("/token", &foreign.replacen('0', "R", 1)).await,
    ];
    for reply in &replies {
        reply.is_problem(412, "token-invalid");
        assert_eq!(reply.body, replies[0].body, "nothing tells them apart");
    }
    assert_eq!(shop.handler.runs(), 0);
    assert_eq!(shop.with_token("/token", &foreign).await.status, 201, "bob did not spend it");
}

/// Invariant S10.
async fn of_three_hundred_with_one_stored_token_one_runs(backend: Backend) {
    one_runs(&Shop::with(backend, patient)).await;
}

/// Invariant S10.
async fn of_three_hundred_with_one_signed_token_one_runs(backend: Backend) {
    one_runs(&Shop::with(backend, |builder| patient(builder).token_secret(SECRET))).await;
}

/// A busy host may be slow with three hundred at once.
fn patient(builder: IdempotencyBuilder) -> IdempotencyBuilder {
    builder.store_patience(Duration::from_mins(1))
}

async fn one_runs(shop: &Shop) {
    let token = shop.token("token").await;
    let replies = join_all((0..300).map(|_| shop.with_token("/token", &token))).await;
    let count = |status| replies.iter().filter(|reply| reply.status == status).count();
    assert_eq!((count(201), count(409), shop.handler.runs()), (1, 299, 1));
}

async fn after_a_failure_a_stored_token_can_be_used_again(backend: Backend) {
    used_again(&Shop::with(backend, stored)).await;
}

async fn after_a_failure_a_signed_token_can_be_used_again(backend: Backend) {
    used_again(&Shop::with(backend, signed)).await;
}

fn failing_once(run: usize) -> HttpResponse {
    if run == 1 {
        HttpResponse::InternalServerError().finish()
    } else {
        HttpResponse::Ok().finish()
    }
}

async fn used_again(shop: &Shop) {
    shop.handler.answers(failing_once);
    let token = shop.token("token").await;
    assert_eq!(shop.with_token("/token", &token).await.status, 500);
    assert_eq!(shop.with_token("/token", &token).await.status, 200);
    shop.with_token("/token", &token).await.is_problem(409, "duplicate");
}

/// "until it expires".
async fn a_stored_token_given_back_keeps_its_end(backend: Backend) {
    let shop = Shop::with(backend, stored);
    shop.handler.answers(failing_once);
    let token = shop.token("token").await;
    shop.backend.pass(Duration::from_millis(1200)).await;
    assert_eq!(shop.with_token("/token", &token).await.status, 500);
    shop.backend.pass(Duration::from_millis(800)).await;
    shop.with_token("/token", &token).await.is_problem(412, "token-invalid");
}

async fn a_request_that_an_extractor_refuses_spends_no_token(backend: Backend) {
    let shop = Shop::open(backend);
    let token = shop.token("token").await;
    // A body beyond the extractor's own limit of 256 KiB, below the guard's.
    let refused = shop.post("/token").header("token", &token).body(vec![0; 300 << 10]).send().await;
    assert_eq!((refused.status, shop.handler.runs()), (413, 0));
    assert_eq!(shop.with_token("/token", &token).await.status, 201);
}

async fn an_old_secret_is_accepted_while_a_new_one_takes_over(backend: Backend) {
    let store = backend.store.clone();
    let old = Shop::with(backend, |builder| builder.token_secret(SECRET));
    let [one, two] = [old.token("token").await, old.token("token").await];
    let new = |builder: IdempotencyBuilder| {
        let builder = builder.token_secret([8; 32]);
        builder.clock(old.backend.clock.clone())
    };
    let serve = |builder: IdempotencyBuilder| {
        tests::Server::start(&builder.build().unwrap(), &old.handler, crate::routes::all)
    };
    let builder = || {
        idempotent_runtime::Idempotency::builder(store.clone())
            .scope(idempotent_runtime::Scope::header("Authorization"))
    };
    let rotating = serve(new(builder()).previous_token_secret(SECRET));
    assert_eq!(rotating.post("/token").header("token", &one).send().await.status, 201);
    let rotated = serve(new(builder()));
    let late = rotated.post("/token").header("token", &two).send().await;
    late.is_problem(412, "token-invalid");
}

async fn issuing_a_signed_token_writes_nothing(backend: Backend) {
    let shop = Shop::with(backend, |builder| builder.token_secret(SECRET));
    shop.backend.store.set_down(true);
    let token = shop.token("token").await;
    shop.backend.store.set_down(false);
    assert_eq!(shop.with_token("/token", &token).await.status, 201);
}

async fn a_spelling_of_a_signed_token_is_no_second_token(backend: Backend) {
    let shop = Shop::with(backend, |builder| builder.token_secret(SECRET));
    let token = shop.token("token").await;
    assert_eq!(shop.with_token("/token", &token).await.status, 201);
    let (ulid, mac) = token.split_once('.').unwrap();
    let last = mac.chars().last().unwrap();
    let others =
        ['A', 'B', 'C', 'D'].map(|other| format!("{ulid}.{}{other}", &mac[..mac.len() - 1]));
    let spellings = [format!("{}.{mac}", ulid.to_lowercase()), format!("{token}=")];
    for spelling in others.into_iter().chain(spellings).filter(|other| !other.ends_with(last)) {
        let status = shop.with_token("/token", &spelling).await.status;
        assert!(status == 412 || status == 409, "{status} for {spelling}");
    }
    assert_eq!(shop.handler.runs(), 1);
}

async fn a_handler_can_render_a_token(backend: Backend) {
    let shop = Shop::open(backend);
    let url = format!("http://{}/token-rendered", shop.server.address());
    let page = Sender::new(reqwest::Method::GET, url).send().await.body;
    let page = String::from_utf8(page.to_vec()).unwrap();
    let token = page.split('"').nth(3).unwrap();
    assert_eq!(shop.with_token("/token", token).await.status, 201);
}

async fn without_a_token_nothing_runs(backend: Backend) {
    let shop = Shop::open(backend);
    shop.post("/token").send().await.is_problem(400, "key-missing");
    shop.with_token("/token", "").await.is_problem(400, "key-missing");
    assert_eq!(shop.handler.runs(), 0);
}
