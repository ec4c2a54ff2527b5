//! Safe reads, computed once: `strategy = "cache"`.

use crate::Shop;
use actix_web::dev::Payload;
use actix_web::error::{ErrorBadGateway, ErrorUnauthorized};
use actix_web::web::{Data, Path, ServiceConfig};
use actix_web::{Error, FromRequest, HttpRequest, HttpResponse, Responder, route};
use futures_util::future::join_all;
use idempotent_runtime::key::KeyParts;
use idempotent_runtime::response::StoreResponse;
use idempotent_runtime::{Idempotency, idempotent};
use reqwest::Method;
use std::future::{Ready, ready};
use std::sync::Mutex;
use std::time::Duration;
use tests::{Backend, ControlledHandler, Guest, Reply, Sender, eventually};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

on_every_store! {
    a_read_is_computed_once_and_again_after_its_ttl,
    an_answer_says_how_old_it_is,
    path_and_query_make_an_answer,
    without_a_header_of_the_key_there_is_an_answer_of_its_own,
    a_client_that_has_it_is_told_so,
    what_the_handler_says_to_caches_is_kept,
    an_answer_is_kept_that_varies_by_what_its_key_or_scope_reads,
    an_answer_that_varies_by_another_header_is_not_kept,
    of_fifty_reads_at_once_one_computes,
    of_reads_at_two_processes_one_computes,
    answers_stay_in_their_scope,
    who_is_refused_reads_nothing,
    what_is_no_answer_is_not_kept,
    an_answer_with_a_credential_is_not_kept_for_all,
    what_must_not_be_kept_is_not_waited_for,
    who_is_tired_of_waiting_computes,
    while_one_computes_again_the_others_read_the_old_answer,
    an_answer_that_is_too_old_is_computed_before_it_is_read,
    a_new_answer_that_fails_leaves_the_old_one,
    an_old_answer_is_sent_before_a_new_one_is_computed_that_blocks,
    what_is_invalidated_is_computed_again,
    what_was_being_computed_is_not_kept_when_it_is_invalidated,
    a_later_computation_does_not_bring_back_what_was_invalidated,
    what_a_guarded_handler_invalidates_is_forgotten_although_its_client_left,
    after_a_panic_the_next_computes,
    a_computation_is_kept_although_its_client_is_gone,
    who_leaves_while_another_computes_does_not_compute,
    while_the_store_is_down_reads_are_computed,
    an_answer_that_cannot_be_read_is_computed,
    a_head_is_answered_by_what_a_get_computed_and_leaves_nothing_for_it,
    a_head_of_an_old_answer_computes_no_new_one,
    other_methods_are_a_mistake_and_nothing_runs,
}

type Handler = Data<ControlledHandler>;

fn routes(config: &mut ServiceConfig) {
    config
        .service(thing)
        .service(brief)
        .service(stale)
        .service(change)
        .service(impatient)
        .service(by_methods)
        .service(checked)
        .service(spoken)
        .service(varied)
        .service(forget_spoken);
}

#[route("/things/{id}", method = "GET")]
#[idempotent(strategy = "cache", operation = "thing", ttl = "1m", headers = "X-Total")]
async fn thing(handler: Handler) -> impl Responder {
    handler.run().await
}

#[route("/brief", method = "GET")]
#[idempotent(strategy = "cache", ttl = "500ms", key = "{query.id}", scope = "shared")]
async fn brief(handler: Handler) -> impl Responder {
    handler.run().await
}

#[route("/stale/{id}", method = "GET", method = "HEAD")]
#[idempotent(
    strategy = "cache",
    ttl = "300ms",
    stale = "1m",
    key = "stale:{path.id}",
    operation = "old",
    scope = "shared"
)]
async fn stale(handler: Handler) -> impl Responder {
    handler.run().await
}

#[route("/stale/{id}", method = "POST")]
#[idempotent]
async fn change(id: Path<String>, handler: Handler, cache: Idempotency) -> impl Responder {
    let changed = handler.run().await;
    cache.invalidate("old", [&*id]).shared().await.map(|()| changed).map_err(ErrorBadGateway)
}

#[route("/impatient", method = "GET")]
#[idempotent(strategy = "cache", ttl = "300ms", stale = "300ms", wait = "50ms")]
async fn impatient(handler: Handler) -> impl Responder {
    handler.run().await
}

#[route(
    "/methods",
    method = "GET",
    method = "HEAD",
    method = "POST",
    method = "PUT",
    method = "DELETE"
)]
#[idempotent(strategy = "cache", ttl = "1m", key = "all")]
async fn by_methods(handler: Handler) -> impl Responder {
    handler.run().await
}

#[route("/spoken/{id}", method = "GET")]
#[idempotent(
    strategy = "cache",
    ttl = "1m",
    key = "{path.id}{header.Accept-Language}",
    operation = "spoken"
)]
async fn spoken(handler: Handler) -> impl Responder {
    handler.run().await
}

#[route("/varied/{id}", method = "GET")]
#[idempotent(
    strategy = "cache",
    ttl = "1m",
    key = "{path.id}{header.Accept-Language}",
    scope = "{header.X-Tenant}"
)]
async fn varied(handler: Handler) -> impl Responder {
    handler.run().await
}

#[route("/spoken/{id}", method = "DELETE")]
async fn forget_spoken(
    id: Path<String>,
    request: HttpRequest,
    cache: Idempotency,
) -> impl Responder {
    cache.invalidate("spoken", [&*id, ""]).of(&request).await.map(|()| "forgotten")
}

/// The caller, unless the credential was revoked.
struct Checked;

impl FromRequest for Checked {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let revoked = request.headers().contains_key("X-Revoked");
        ready(if revoked { Err(ErrorUnauthorized("revoked")) } else { Ok(Self) })
    }
}

#[route("/checked", method = "GET")]
#[idempotent(strategy = "cache", ttl = "1m")]
async fn checked(handler: Handler, _: Checked) -> impl Responder {
    handler.run().await
}

fn open(backend: Backend) -> Shop {
    Shop::serving(backend, |builder| builder, |_, config| routes(config))
}

impl Shop {
    fn get(&self, path: &str) -> Sender {
        self.server.send(Method::GET, path)
    }

    pub(crate) async fn read(&self, path: &str) -> Reply {
        self.get(path).send().await
    }
}

fn age(reply: &Reply) -> Option<u64> {
    reply.header("Age").map(|age| age.parse().expect("whole seconds"))
}

async fn a_read_is_computed_once_and_again_after_its_ttl(backend: Backend) {
    let shop = open(backend);
    for _ in 0..3 {
        let reply = shop.read("/brief?id=7").await;
        assert_eq!((reply.status, &reply.body[..], reply.is_replay()), (201, &b"run 1"[..], false));
    }
    shop.backend.pass(Duration::from_millis(500)).await;
    assert_eq!(shop.read("/brief?id=7").await.body, "run 2");
    shop.read("/brief").await.is_problem(400, "key-missing");
    assert_eq!(shop.handler.runs(), 2);
}

async fn an_answer_says_how_old_it_is(backend: Backend) {
    let shop = open(backend);
    assert_eq!(age(&shop.read("/things/7").await), None);
    assert!(age(&shop.read("/things/7").await).is_some_and(|age| age <= 30));
    shop.backend.pass(Duration::from_millis(1100)).await;
    assert!(age(&shop.read("/things/7").await).is_some_and(|age| (1..=31).contains(&age)));
    assert_eq!(shop.handler.runs(), 1);
}

async fn path_and_query_make_an_answer(backend: Backend) {
    let shop = open(backend);
    let paths = ["/things/7", "/things/8", "/things/7?page=1", "/things/7?page=2"];
    for turn in 0..2 {
        for (n, path) in paths.into_iter().enumerate() {
            let expected = format!("run {}", n + 1);
            assert_eq!(shop.read(path).await.body, expected, "{path}, turn {turn}");
        }
    }
}

/// An absent header is another value than an empty one, and its answer can be forgotten alone.
async fn without_a_header_of_the_key_there_is_an_answer_of_its_own(backend: Backend) {
    let shop = open(backend);
    let read = |language: Option<&str>| {
        let request = shop.get("/spoken/7");
        language.into_iter().fold(request, |it, said| it.header("Accept-Language", said)).send()
    };
    for turn in 0..2 {
        for (n, language) in [None, Some("de"), Some("en")].into_iter().enumerate() {
            let expected = format!("run {}", n + 1);
            assert_eq!(read(language).await.body, expected, "{language:?}, turn {turn}");
        }
    }
    read(Some("")).await.is_problem(400, "key-missing");
    shop.server.send(Method::DELETE, "/spoken/7").send().await;
    assert_eq!(read(None).await.body, "run 4");
    assert_eq!(read(Some("de")).await.body, "run 2");
}

async fn a_client_that_has_it_is_told_so(backend: Backend) {
    let shop = open(backend);
    shop.handler.answers(|_| HttpResponse::Ok().insert_header(("X-Total", "3")).json("same"));
    let first = shop.read("/brief?id=7").await;
    let tag = first.header("ETag").expect("a tag").to_owned();
    assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() > 10, "{tag}");
    let again = shop.read("/brief?id=7").await;
    assert_eq!((again.header("ETag"), &again.body), (Some(&*tag), &first.body));
    let having = |tags: &str| shop.get("/brief?id=7").header("If-None-Match", tags).send();
    for tags in [tag.clone(), format!("\"other\", W/{tag}"), "*".to_owned()] {
        let unchanged = having(&tags).await;
        assert_eq!((unchanged.status, &unchanged.body[..]), (304, &b""[..]), "{tags}");
        assert_eq!(unchanged.header("ETag"), Some(&*tag));
        assert_eq!(unchanged.header("Cache-Control"), again.header("Cache-Control"));
        assert!(age(&unchanged).is_some() && unchanged.header("Content-Type").is_none());
    }
    assert_eq!(having("\"other\"").await.status, 200);
    assert_eq!(shop.handler.runs(), 1);
    // A newly computed answer may be the same.
    shop.backend.pass(Duration::from_millis(500)).await;
    assert_eq!((having(&tag).await.status, shop.handler.runs()), (304, 2));
    shop.backend.pass(Duration::from_millis(500)).await;
    shop.handler.answers(|_| HttpResponse::Ok().json("another"));
    let changed = having(&tag).await;
    assert_eq!((changed.status, shop.handler.runs()), (200, 3));
    assert_ne!(changed.header("ETag"), Some(&*tag));
}

async fn what_the_handler_says_to_caches_is_kept(backend: Backend) {
    let shop = open(backend);
    for _ in 0..2 {
        let reply = shop.read("/things/silent").await;
        assert_eq!(reply.header("Cache-Control"), Some("private, no-cache"));
        assert_eq!(shop.read("/brief?id=7").await.header("Cache-Control"), Some("no-cache"));
    }
    shop.handler.answers(|_| {
        HttpResponse::Ok()
            .insert_header(("Cache-Control", "private, max-age=60"))
            .insert_header(("ETag", "\"v7\""))
            .insert_header(("X-Total", "3"))
            .insert_header(("Expires", "Sun, 06 Nov 1994 08:49:37 GMT"))
            .insert_header(("Content-Security-Policy", "sandbox"))
            .insert_header(("X-Api-Key", "not kept"))
            .insert_header(("Server-Timing", "not kept"))
            .insert_header(("Idempotency-Replayed", "true"))
            .finish()
    });
    let (first, again) = (shop.read("/things/7").await, shop.read("/things/7").await);
    for header in ["Cache-Control", "Expires", "ETag", "X-Total", "Content-Security-Policy"] {
        assert!(first.header(header).is_some());
        assert_eq!(first.header(header), again.header(header), "{header}");
    }
    assert_eq!((first.header("ETag"), age(&again)), (Some("\"v7\""), Some(0)));
    assert_eq!((again.header("X-Api-Key"), again.header("Server-Timing")), (None, None));
    assert_eq!(again.header("Idempotency-Replayed"), None);
}

async fn an_answer_is_kept_that_varies_by_what_its_key_or_scope_reads(backend: Backend) {
    let shop = open(backend);
    for vary in ["Accept-Language", "X-Tenant, accept-language"] {
        shop.handler.answers(move |run| {
            HttpResponse::Ok().insert_header(("Vary", vary)).body(format!("run {run}"))
        });
        let before = shop.handler.runs();
        let read = |tenant: &str, language: &str| {
            let request = shop.get(&format!("/varied/{before}")).header("X-Tenant", tenant);
            request.header("Accept-Language", language).send()
        };
        for _ in 0..2 {
            for (n, (tenant, language)) in
                [("a", "de"), ("a", "en"), ("b", "en")].into_iter().enumerate()
            {
                let reply = read(tenant, language).await;
                assert_eq!(reply.body, format!("run {}", before + n + 1), "{vary}");
                assert_eq!(reply.header("Vary"), Some(vary));
            }
        }
    }
}

async fn an_answer_that_varies_by_another_header_is_not_kept(backend: Backend) {
    let shop = open(backend);
    for (n, vary) in ["Accept", "X-Tenant, Accept-Encoding", "*"].into_iter().enumerate() {
        shop.handler.answers(move |_| HttpResponse::Ok().insert_header(("Vary", vary)).finish());
        for _ in 0..2 {
            let read = shop.get(&format!("/varied/{n}")).header("X-Tenant", "a");
            let reply = read.header("Accept-Language", "de").send().await;
            assert_eq!((reply.status, age(&reply)), (200, None), "{vary}");
        }
        assert_eq!(shop.handler.runs(), 2 * (n + 1), "{vary}");
    }
}

async fn of_fifty_reads_at_once_one_computes(backend: Backend) {
    let shop = open(backend);
    shop.handler.pause();
    let all = join_all((0..50).map(|_| shop.read("/things/7")));
    let (replies, ()) = tokio::join!(all, async {
        shop.all_are_in(50).await;
        shop.handler.resume();
    });
    assert_eq!(shop.handler.runs(), 1);
    assert!(replies.iter().all(|reply| reply.status == 201 && reply.body == "run 1"));
}

async fn of_reads_at_two_processes_one_computes(backend: Backend) {
    let shop = open(backend);
    let other = shop.beside();
    shop.handler.pause();
    let servers = [&shop.server, &other].into_iter().cycle().take(20);
    let all = join_all(servers.map(|server| server.send(Method::GET, "/things/7").send()));
    let (replies, ()) = tokio::join!(all, async {
        // Each process asks at least once.
        shop.backend.store.claims_reach(2).await;
        shop.all_are_in(10).await;
        shop.handler.resume();
    });
    assert_eq!(shop.handler.runs(), 1);
    assert!(replies.iter().all(|reply| reply.status == 201 && reply.body == "run 1"));
}

async fn answers_stay_in_their_scope(backend: Backend) {
    let shop = open(backend);
    let alice = shop.read("/things/7").await;
    let bob = || shop.get("/things/7").as_account("bob").send();
    assert_eq!((&alice.body[..], &bob().await.body[..]), (&b"run 1"[..], &b"run 2"[..]));
    assert_eq!(
        (&bob().await.body[..], shop.read("/things/7").await.body),
        (&b"run 2"[..], alice.body)
    );
    shop.get("/things/7").only("authorization", "").send().await.is_problem(400, "scope-missing");
    let shared = shop.read("/brief?id=7").await;
    assert_eq!(shop.get("/brief?id=7").as_account("bob").send().await.body, shared.body);
    assert_eq!(shop.handler.runs(), 3);
}

async fn who_is_refused_reads_nothing(backend: Backend) {
    let shop = open(backend);
    shop.read("/checked").await;
    let revoked = shop.get("/checked").header("X-Revoked", "yes").send().await;
    assert_eq!((revoked.status, &revoked.body[..]), (401, &b"revoked"[..]));
    assert_eq!((shop.read("/checked").await.body, shop.handler.runs()), ("run 1".into(), 1));
}

async fn what_is_no_answer_is_not_kept(backend: Backend) {
    let shop = open(backend);
    let not_kept: [fn() -> HttpResponse; 8] = [
        || HttpResponse::InternalServerError().finish(),
        || HttpResponse::NotFound().finish(),
        || HttpResponse::SeeOther().finish(),
        || HttpResponse::PartialContent().body("some"),
        || HttpResponse::Ok().insert_header(("Cache-Control", "max-age=0, No-Store")).finish(),
        || HttpResponse::Ok().insert_header(("Set-Cookie", "sid=secret")).finish(),
        || HttpResponse::Ok().insert_header(("Vary", "*")).finish(),
        || {
            let mut response = HttpResponse::Ok().finish();
            response.extensions_mut().insert(StoreResponse::No);
            response
        },
    ];
    for (n, response) in not_kept.into_iter().enumerate() {
        shop.handler.answers(move |_| response());
        for _ in 0..2 {
            let reply = shop.read(&format!("/things/{n}")).await;
            assert_eq!(reply.status, response().status().as_u16(), "{n}");
            assert_eq!((age(&reply), reply.header("Idempotency-Stored")), (None, None));
        }
        assert_eq!(shop.handler.runs(), 2 * (n + 1), "{n}");
    }
    // An answer for one caller is kept if answers belong to their callers.
    shop.handler
        .answers(|_| HttpResponse::Ok().insert_header(("Cache-Control", "private")).finish());
    let before = shop.handler.runs();
    for path in ["/things/own", "/things/own", "/brief?id=own", "/brief?id=own"] {
        shop.read(path).await;
    }
    assert_eq!(shop.handler.runs() - before, 3);
}

async fn an_answer_with_a_credential_is_not_kept_for_all(backend: Backend) {
    let shop = open(backend);
    shop.handler.answers(|run| {
        HttpResponse::Ok().insert_header(("X-Auth-Token", run)).body(format!("run {run}"))
    });
    for run in 1..=2 {
        let reply = shop.read("/brief?id=7").await;
        assert_eq!((&reply.body[..], age(&reply)), (format!("run {run}").as_bytes(), None));
        assert_eq!(reply.header("X-Auth-Token"), Some(&*run.to_string()));
    }
    // The answer stays with its caller, without the credential.
    shop.read("/things/7").await;
    let again = shop.read("/things/7").await;
    assert_eq!((&again.body[..], again.header("X-Auth-Token")), (&b"run 3"[..], None));
}

async fn what_must_not_be_kept_is_not_waited_for(backend: Backend) {
    let shop = open(backend);
    shop.handler
        .answers(|_| HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).finish());
    shop.read("/things/7").await;
    shop.handler.pause();
    let both =
        (tokio::spawn(shop.get("/things/7").send()), tokio::spawn(shop.get("/things/7").send()));
    shop.handler.runs_reach(3).await;
    shop.handler.resume();
    assert_eq!((both.0.await.unwrap().status, both.1.await.unwrap().status), (200, 200));
}

async fn who_is_tired_of_waiting_computes(backend: Backend) {
    let shop = open(backend);
    shop.handler.pause();
    let first = tokio::spawn(shop.get("/impatient").send());
    shop.handler.runs_reach(1).await;
    let second = tokio::spawn(shop.get("/impatient").send());
    shop.handler.runs_reach(2).await;
    shop.handler.resume();
    let (first, second) = (first.await.unwrap(), second.await.unwrap());
    assert_eq!((&first.body[..], &second.body[..]), (&b"run 1"[..], &b"run 2"[..]));
    assert_eq!(second.header("Idempotency-Stored"), None);
}

async fn while_one_computes_again_the_others_read_the_old_answer(backend: Backend) {
    let shop = open(backend);
    let other = shop.beside();
    shop.read("/stale/7").await;
    shop.backend.pass(Duration::from_millis(300)).await;
    shop.handler.pause();
    let servers = [&shop.server, &other].into_iter().cycle().take(20);
    for reply in join_all(servers.map(|it| it.send(Method::GET, "/stale/7").send())).await {
        assert_eq!((reply.status, &reply.body[..]), (201, &b"run 1"[..]));
        assert!(age(&reply).is_some());
    }
    shop.handler.runs_reach(2).await;
    assert_eq!(shop.read("/stale/7").await.body, "run 1");
    shop.handler.resume();
    eventually("the new answer is read", async || {
        (shop.read("/stale/7").await.body == "run 2").then_some(())
    })
    .await;
    assert_eq!(shop.idempotency.drain(Duration::from_mins(1)).await, 0);
}

/// A request reads the old answer, and is then held for so long that another one puts a new answer there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_learns_late_that_an_answer_is_old_does_not_compute_it_again() {
    // The clock stands still, so that the new answer stays new.
    let shop = open(Backend::memory().await);
    let other = shop.beside();
    shop.read("/stale/7").await;
    shop.backend.pass(Duration::from_millis(300)).await;
    let answers = shop.backend.store.answers_to_reads();
    answers.close();
    let late = tokio::spawn(shop.get("/stale/7").send());
    answers.reached().await;
    eventually("the new answer is read", async || {
        let read = other.send(Method::GET, "/stale/7").send().await;
        (read.body == "run 2").then_some(())
    })
    .await;
    answers.open();
    assert_eq!(late.await.unwrap().body, "run 1");
    assert_eq!(shop.idempotency.drain(Duration::from_mins(1)).await, 0);
    assert_eq!(shop.handler.runs(), 2);
}

async fn an_answer_that_is_too_old_is_computed_before_it_is_read(backend: Backend) {
    let shop = open(backend);
    shop.read("/impatient").await;
    shop.backend.pass(Duration::from_millis(600)).await;
    assert_eq!((shop.read("/impatient").await.body, shop.handler.runs()), ("run 2".into(), 2));
}

async fn a_new_answer_that_fails_leaves_the_old_one(backend: Backend) {
    let shop = open(backend);
    shop.read("/stale/7").await;
    shop.backend.pass(Duration::from_millis(300)).await;
    shop.handler.answers(|run| match run {
        2 => HttpResponse::InternalServerError().finish(),
        3 => panic!("as the test asked"),
        _ => HttpResponse::Ok().body(format!("run {run}")),
    });
    eventually("an answer is computed", async || {
        let reply = shop.read("/stale/7").await;
        assert!(age(&reply).is_some(), "it was computed before: {reply:?}");
        assert!(reply.status == 200 || (reply.status, &reply.body[..]) == (201, b"run 1"));
        (reply.status == 200).then_some(())
    })
    .await;
    assert!(shop.handler.runs() >= 4);
}

async fn an_old_answer_is_sent_before_a_new_one_is_computed_that_blocks(backend: Backend) {
    let shop = open(backend);
    shop.read("/stale/7").await;
    shop.backend.pass(Duration::from_millis(300)).await;
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = Mutex::new(released);
    shop.handler.answers(move |_| {
        _ = released.lock().unwrap().recv();
        HttpResponse::Ok().finish()
    });
    let reply = tokio::time::timeout(Duration::from_mins(1), shop.read("/stale/7")).await;
    assert_eq!(reply.expect("it does not wait for the handler").body, "run 1");
    shop.handler.runs_reach(2).await;
    drop(release);
}

async fn what_is_invalidated_is_computed_again(backend: Backend) {
    let shop = open(backend);
    shop.read("/stale/7").await;
    shop.read("/stale/8").await;
    shop.idempotency.invalidate("old", ["7"]).shared().await.unwrap();
    assert_eq!(shop.read("/stale/7").await.body, "run 3");
    assert_eq!(shop.read("/stale/8").await.body, "run 2");
    // Forgetting an answer that does not exist succeeds, too.
    shop.idempotency.invalidate("old", ["9"]).shared().await.unwrap();
    // The answers of one caller are forgotten: by the app's rule, and by the scope's text.
    let bob = || shop.get("/things/7").as_account("bob").send();
    assert_eq!(
        (shop.read("/things/7").await.body, bob().await.body),
        ("run 4".into(), "run 5".into())
    );
    let forget = || shop.idempotency.invalidate("thing", ["/things/7", ""]);
    let request =
        actix_web::test::TestRequest::get().insert_header(("Authorization", "Bearer alice"));
    let request = request.app_data(shop.idempotency.clone());
    forget().of(&request.to_http_request()).await.unwrap();
    assert_eq!(
        (shop.read("/things/7").await.body, bob().await.body),
        ("run 6".into(), "run 5".into())
    );
    forget().within(&KeyParts::new().secret("Bearer bob")).await.unwrap();
    assert_eq!(
        (shop.read("/things/7").await.body, bob().await.body),
        ("run 6".into(), "run 7".into())
    );
    shop.backend.store.set_down(true);
    assert!(forget().shared().await.is_err());
}

async fn what_was_being_computed_is_not_kept_when_it_is_invalidated(backend: Backend) {
    let shop = open(backend);
    shop.handler.pause();
    let first = tokio::spawn(shop.get("/stale/7").send());
    shop.handler.runs_reach(1).await;
    let waiting = tokio::spawn(shop.get("/stale/7").send());
    shop.waiters_reach(1).await;
    shop.idempotency.invalidate("old", ["7"]).shared().await.unwrap();
    shop.handler.runs_reach(2).await;
    shop.handler.resume();
    assert_eq!(
        (first.await.unwrap().body, waiting.await.unwrap().body),
        ("run 1".into(), "run 2".into())
    );
    assert_eq!((shop.read("/stale/7").await.body, shop.handler.runs()), ("run 2".into(), 2));
}

async fn a_later_computation_does_not_bring_back_what_was_invalidated(backend: Backend) {
    let shop = open(backend);
    shop.read("/stale/7").await;
    shop.backend.pass(Duration::from_millis(300)).await;
    shop.handler.pause();
    assert_eq!(shop.read("/stale/7").await.body, "run 1");
    shop.handler.runs_reach(2).await;
    shop.idempotency.invalidate("old", ["7"]).shared().await.unwrap();
    shop.handler.resume();
    // The outcome is stored before the process may end.
    assert_eq!(shop.idempotency.drain(Duration::from_mins(1)).await, 0);
    let other = shop.beside();
    let read = || other.send(Method::GET, "/stale/7").send();
    assert_eq!((read().await.body, shop.handler.runs()), ("run 3".into(), 3));
}

async fn what_a_guarded_handler_invalidates_is_forgotten_although_its_client_left(
    backend: Backend,
) {
    let shop = open(backend);
    assert_eq!(shop.read("/stale/7").await.body, "run 1");
    shop.handler.pause();
    let guest = Guest::post(&shop.server, "/stale/7", "alice", "k").await;
    shop.handler.runs_reach(2).await;
    guest.leaves();
    // This request is served after the reset arrived.
    for _ in 0..20 {
        shop.read("/brief").await.is_problem(400, "key-missing");
    }
    shop.handler.resume();
    assert_eq!(shop.idempotency.drain(Duration::from_mins(1)).await, 0);
    let other = shop.beside();
    let read = other.send(Method::GET, "/stale/7").send().await;
    assert_eq!((&read.body[..], shop.handler.runs()), (&b"run 3"[..], 3));
}

async fn after_a_panic_the_next_computes(backend: Backend) {
    let shop = open(backend);
    shop.handler.answers(|run| {
        assert!(run > 1, "as the test asked");
        HttpResponse::Ok().body("second")
    });
    shop.read("/things/7").await.is_problem(500, "handler-panicked");
    assert_eq!(shop.read("/things/7").await.body, "second");
}

async fn a_computation_is_kept_although_its_client_is_gone(backend: Backend) {
    let shop = open(backend);
    shop.handler.pause();
    let mut client = TcpStream::connect(shop.server.address()).await.unwrap();
    let request = "GET /things/7 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer alice\r\n\r\n";
    client.write_all(request.as_bytes()).await.unwrap();
    shop.handler.runs_reach(1).await;
    client.set_zero_linger().unwrap();
    drop(client);
    // Other requests on the same server were served after the reset arrived.
    for _ in 0..20 {
        shop.read("/brief").await.is_problem(400, "key-missing");
    }
    shop.handler.resume();
    assert_eq!((shop.read("/things/7").await.body, shop.handler.runs()), ("run 1".into(), 1));
}

async fn who_leaves_while_another_computes_does_not_compute(backend: Backend) {
    let shop = open(backend);
    shop.handler.answers(|run| match run {
        1 => HttpResponse::InternalServerError().finish(),
        run => HttpResponse::Created().body(format!("run {run}")),
    });
    let under_way = async |many| {
        let is_so = async || (shop.idempotency.under_way() == many).then_some(());
        eventually("as many requests are under way as were sent and not left", is_so).await;
    };
    shop.handler.pause();
    let first = tokio::spawn(shop.get("/things/7").send());
    shop.handler.runs_reach(1).await;
    let account = "Authorization: Bearer alice\r\n";
    let guest = Guest::send(&shop.server, "GET", "/things/7", account).await;
    under_way(2).await;
    guest.leaves();
    under_way(1).await;
    shop.handler.resume();
    assert_eq!(first.await.unwrap().status, 500);
    under_way(0).await;
    assert_eq!(shop.handler.runs(), 1);
    assert_eq!(shop.read("/things/7").await.body, "run 2");
}

async fn while_the_store_is_down_reads_are_computed(backend: Backend) {
    let shop = open(backend);
    shop.read("/things/7").await;
    shop.backend.store.set_down(true);
    let reply = shop.read("/things/7").await;
    assert_eq!((reply.status, &reply.body[..]), (201, &b"run 2"[..]));
    assert_eq!(reply.header("Idempotency-Stored"), None);
    assert_eq!(shop.idempotency.counts().store_failed, 1);
    shop.backend.store.set_down(false);
    assert_eq!(shop.read("/things/7").await.body, "run 1");
}

async fn an_answer_that_cannot_be_read_is_computed(backend: Backend) {
    let shop = open(backend);
    shop.read("/stale/7").await;
    shop.backend.store.corrupt(|record| record[1..].to_vec()).await;
    for run in ["run 2", "run 3"] {
        assert_eq!(shop.read("/stale/7").await.body, run);
    }
    assert_eq!(shop.idempotency.counts().undecodable, 2);
    shop.idempotency.invalidate("old", ["7"]).shared().await.unwrap();
    for _ in 0..2 {
        assert_eq!(shop.read("/stale/7").await.body, "run 4");
    }
}

/// A handler that looks at the method: it answers a HEAD without a body.
async fn a_head_is_answered_by_what_a_get_computed_and_leaves_nothing_for_it(backend: Backend) {
    let shop = open(backend);
    shop.handler.answers(|run| match run {
        1 => HttpResponse::Ok().finish(),
        _ => HttpResponse::Ok().body("for those who GET"),
    });
    let head = || shop.server.send(Method::HEAD, "/methods").send();
    assert_eq!((head().await.status, shop.handler.runs()), (200, 1));
    let got = shop.read("/methods").await;
    assert_eq!((got.status, &got.body[..]), (200, &b"for those who GET"[..]));
    let answered = head().await;
    assert_eq!((answered.status, &answered.body[..]), (200, &b""[..]));
    assert_eq!(answered.header("Content-Length"), Some("17"));
    assert_eq!(answered.header("ETag"), got.header("ETag"));
    assert!(age(&answered).is_some());
    assert_eq!((shop.read("/methods").await.body, shop.handler.runs()), (got.body, 2));
}

async fn a_head_of_an_old_answer_computes_no_new_one(backend: Backend) {
    let shop = open(backend);
    shop.read("/stale/7").await;
    shop.backend.pass(Duration::from_millis(300)).await;
    let head = shop.server.send(Method::HEAD, "/stale/7").send().await;
    assert_eq!((head.status, head.header("Content-Length")), (201, Some("5")));
    assert_eq!(shop.idempotency.drain(Duration::from_mins(1)).await, 0);
    assert_eq!(shop.handler.runs(), 1);
}

async fn other_methods_are_a_mistake_and_nothing_runs(backend: Backend) {
    let shop = open(backend);
    assert_eq!(shop.read("/methods").await.body, "run 1");
    for method in [Method::POST, Method::PUT, Method::DELETE] {
        shop.server.send(method, "/methods").send().await.is_problem(500, "misconfigured");
    }
    assert_eq!((shop.read("/methods").await.body, shop.handler.runs()), ("run 1".into(), 1));
}
