//! The inspector: the check runs before everything, and a button changes only the record that was shown, once.

use crate::{Routes, Shop};
use actix_web::error::ErrorUnauthorized;
use actix_web::{Error, HttpRequest};
use idempotent_runtime::inspector::Operator;
use idempotent_runtime::key::KeyParts;
use idempotent_runtime::records::{RecordStage, Target};
use reqwest::Method;
use std::time::Duration;
use tests::{Backend, Reply, eventually};

on_every_store! {
    a_held_record_is_listed_and_settled_once,
    a_store_that_is_away_is_told,
}

/// The operator that a header names.
fn who(request: &HttpRequest) -> Result<Operator, Error> {
    let name = request.headers().get("X-Operator").and_then(|name| name.to_str().ok());
    name.map(Operator::new).ok_or_else(|| ErrorUnauthorized("who looks?"))
}

fn shop(backend: Backend) -> Shop {
    let routes: Routes = |app, config| {
        crate::routes::all(config);
        config.service(app.inspector(who)).service(app.inspector(who).path("/ops/below"));
    };
    Shop::serving(backend, |builder| builder, routes)
}

impl Shop {
    async fn looks(&self, operator: &str, path: &str) -> Reply {
        self.server.send(Method::GET, path).header("X-Operator", operator).send().await
    }

    /// The page, as an operator sees it.
    async fn page(&self, operator: &str) -> String {
        let reply = self.looks(operator, "/inspector/").await;
        assert_eq!(reply.status, 200);
        text(&reply)
    }

    async fn fills_in(&self, operator: &str, path: &str, fields: &[(&str, &str)]) -> Reply {
        let form: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let post = self.server.post(path).header("X-Operator", operator);
        let post = post.header("Content-Type", "application/x-www-form-urlencoded");
        post.body(form.join("&")).send().await
    }

    /// A key whose run died, and the address of its record.
    async fn hold(&self, key: &str) -> String {
        self.handler.answers(|_| panic!("as the test asked"));
        let sent = self.post("/holding").key(&format!("\"{key}\"")).send().await;
        assert_eq!(sent.status, 500);
        self.handler.answers(|_| actix_web::HttpResponse::Created().finish());
        let storage_key = self.record_of(key).await.0;
        format!("/inspector/record/{storage_key}")
    }

    async fn record_of(&self, key: &str) -> (String, RecordStage) {
        let value = |value| KeyParts::new().value(value);
        let target = Target::route("POST", "/holding");
        let found = self.idempotency.find(&target, &value("Bearer alice"), &value(key)).await;
        let record = found.expect("the store answers").expect("a record");
        (record.key().to_string(), record.state().stage())
    }
}

fn text(reply: &Reply) -> String {
    String::from_utf8(reply.body.to_vec()).expect("UTF-8")
}

/// The value of the first field of this name in a page.
fn field(page: &str, name: &str) -> String {
    let (_, after) = page.split_once(&format!("name=\"{name}\" value=\"")).expect("a field");
    after.split('"').next().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_sees_or_changes_anything_unchecked() {
    let shop = shop(Backend::memory().await);
    let record = shop.hold("key-of-alice").await;
    for path in ["", "/", "/events", "/style.css", "/script.js", "/search", "/check", "/elsewhere"]
    {
        let path = format!("/inspector{path}");
        for method in [Method::GET, Method::POST, Method::HEAD, Method::PUT] {
            let reply = shop.server.send(method.clone(), &path).send().await;
            assert_eq!(reply.status, 401, "{method} {path}");
        }
    }
    let token = field(&shop.page("anna").await, "token");
    let form = format!("token={token}&seen=1&word=forget");
    assert_eq!(shop.server.post(&record).body(form).send().await.status, 401);
    assert_eq!(shop.record_of("key-of-alice").await.1, RecordStage::Abandoned);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_gets_nothing_from_elsewhere_and_nothing_inline() {
    let shop = shop(Backend::memory().await);
    let record = shop.hold("key-of-alice").await;
    for path in ["/inspector/", "/ops/below/", &record, "/inspector/style.css"] {
        let reply = shop.looks("anna", path).await;
        assert_eq!(reply.status, 200, "{path}");
        let policy = reply.header("Content-Security-Policy").expect("a policy");
        let strict = policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'");
        assert!(strict && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe") && policy.contains("form-action 'self'"), "{policy}");
        assert_eq!(reply.header("Cache-Control"), Some("no-store"));
        assert_eq!(reply.header("X-Content-Type-Options"), Some("nosniff"));
        let page = text(&reply);
        for inline in [" style=", " onclick=", "<style", "javascript:", "http://", "https://"] {
            assert!(!page.contains(inline), "{path}: {inline}");
        }
    }
    let slash = shop.looks("anna", "/ops/below").await;
    assert_eq!((slash.status, slash.header("Location")), (303, Some("./below/")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_shows_what_runs_and_no_key_body_or_credential() {
    let shop = shop(Backend::memory().await);
    shop.handler.pause();
    let key = "8b1f7c52-90aa-4fd8-9b1e-1c7f2d1a1e55";
    let running = tokio::spawn(shop.post("/orders").key(key).body("a secret body").send());
    shop.handler.runs_reach(1).await;
    let page = shop.page("anna").await;
    let (_, runs) = page.split_once("id=\"running\"").expect("what runs");
    assert!(
        runs.starts_with(
            ">What runs now</h2><p>Running: 1. Under way, those that wait to run included: 1."
        ),
        "{runs}"
    );
    assert!(runs.contains("<b>POST /orders</b> <span>"), "{runs}");
    assert!(runs.contains(" s</span> <span>attempt 1</span> <code>"), "{runs}");
    shop.handler.resume();
    assert_eq!(running.await.expect("no panic").status, 201);
    assert!(shop.post("/orders").key(key).body("a secret body").send().await.is_replay());
    let held = shop.hold(key).await;
    let mut pages = shop.page("anna").await;
    assert!(
        pages.contains(
            "<li class=\"ran\">ran <b>1</b></li><li class=\"replayed\">replayed <b>1</b></li>"
        ),
        "{pages}"
    );
    assert!(pages.contains("POST /orders in the last 5 minutes: 1 ran, 1 replayed or"), "{pages}");
    assert!(pages.contains(">What runs now</h2><p>Running: 0.") && pages.contains("You are anna."));
    pages += &text(&shop.looks("anna", &held).await);
    let search = [("place", "holding"), ("key", ""), ("scope", "")];
    pages += &text(&shop.fills_in("anna", "/inspector/search", &search).await);
    assert!(pages.contains("<code>8b1f7c52…</code>"), "{pages}");
    for secret in [key, "a secret body", "Bearer", "alice"] {
        assert!(!pages.contains(secret), "{secret}");
    }
}

async fn a_held_record_is_listed_and_settled_once(backend: Backend) {
    let shop = shop(backend);
    let record = shop.hold("key-of-alice").await;
    let page = shop.page("anna").await;
    assert!(page.contains("<h3>holding</h3>") && page.contains("<code>key-of…</code>"), "{page}");
    let (token, seen) = (field(&page, "token"), field(&page, "seen"));
    let say = async |operator: &str, token: &str, seen: &str| {
        let fields = [("token", token), ("seen", seen), ("word", "not-done")];
        shop.fills_in(operator, &record, &fields).await.status
    };
    let is_held = async || shop.record_of("key-of-alice").await.1 == RecordStage::Abandoned;
    for wrong in [
        say("anna", "", &seen).await,
        say("anna", "0123456789abcdef0123456789abcdef", &seen).await,
        say("bert", &token, &seen).await,
    ] {
        assert_eq!((wrong, is_held().await), (403, true));
    }
    let without = shop.fills_in("anna", &record, &[("seen", &seen), ("word", "not-done")]).await;
    assert_eq!((without.status, is_held().await), (403, true));
    let by_get = format!("{record}?token={token}&seen={seen}&word=not-done");
    assert_eq!((shop.looks("anna", &by_get).await.status, is_held().await), (200, true));
    assert_eq!((say("anna", &token, &seen).await, is_held().await), (303, false));
    assert_eq!(say("anna", &token, &seen).await, 403, "it is used up");
    let page = text(&shop.looks("anna", &format!("{record}?did=not-done")).await);
    assert!(
        page.contains("the next request with its key runs") && page.contains("issued"),
        "{page}"
    );
    assert!(!shop.page("anna").await.contains("<h3>holding</h3>"));
    assert_eq!(shop.post("/holding").key("key-of-alice").send().await.status, 201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_changed_since_it_was_seen_is_left_alone() {
    let shop = shop(Backend::memory().await);
    let record = shop.hold("key-of-alice").await;
    let seen = field(&shop.page("anna").await, "seen");
    let say = async |word: &str| {
        let token = field(&shop.page("anna").await, "token");
        let fields = [("token", &*token), ("seen", &seen), ("word", word)];
        shop.fills_in("anna", &record, &fields).await
    };
    let done = say("done").await;
    let key = record.rsplit('/').next().unwrap_or_default();
    assert_eq!(done.header("Location"), Some(&*format!("{key}?did=done")));
    assert_eq!(shop.record_of("key-of-alice").await.1, RecordStage::Completed);
    assert_eq!(say("forget").await.status, 409);
    assert_eq!(shop.record_of("key-of-alice").await.1, RecordStage::Completed);
    assert_eq!(say("another").await.status, 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_is_found_by_route_and_key_by_operation_and_by_storage_key() {
    let shop = shop(Backend::memory().await);
    shop.hold("key-of-alice").await;
    shop.post("/orders").key("another").send().await;
    let storage_key = shop.record_of("key-of-alice").await.0;
    let short = &storage_key[..16];
    let found = async |place: &str, key: &str, scope: &str| {
        let fields = [("place", place), ("key", key), ("scope", scope)];
        let reply = shop.fills_in("anna", "/inspector/search", &fields).await;
        assert_eq!(reply.status, 200);
        text(&reply).matches("<li class=\"record").count()
    };
    assert_eq!(found("POST%20/holding", "key-of-alice", "Bearer%20alice").await, 1);
    assert_eq!(found("post%20/holding", "key-of-alice", "Bearer%20bob").await, 0);
    assert_eq!(found("holding", "", "").await, 1);
    assert_eq!(found("hold", "", "").await, 0);
    assert_eq!(found(&storage_key, "", "").await, 1);
    let page = text(&shop.looks("anna", &format!("/inspector/record/{storage_key}")).await);
    assert!(page.contains(short));
    let fields = [("place", "%22%3E%3Cscript%3E"), ("key", "a"), ("scope", "b")];
    let page = text(&shop.fills_in("anna", "/inspector/search", &fields).await);
    assert!(page.contains("value=\"&quot;&gt;&lt;script&gt;\"") && !page.contains("<script>"));
    for nowhere in ["0".repeat(64), "none".to_owned()] {
        let reply = shop.looks("anna", &format!("/inspector/record/{nowhere}")).await;
        assert_eq!(reply.status, 404);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_html_is_text() {
    let shop = shop(Backend::memory().await);
    let record = shop.hold("<img src=x onerror=alert(1)>").await;
    for path in ["/inspector/", &record] {
        let page = text(&shop.looks("anna", path).await);
        assert!(page.contains("&lt;img src…") && !page.contains("<img"), "{page}");
    }
}

async fn a_store_that_is_away_is_told(backend: Backend) {
    let shop = shop(backend);
    shop.hold("key-of-alice").await;
    shop.backend.store.set_down(true);
    let page = shop.page("anna").await;
    assert!(
        page.contains("does not answer: unavailable")
            && page.contains("did not answer (unavailable)"),
        "{page}"
    );
    shop.backend.store.set_down(false);
    let page = shop.page("anna").await;
    assert!(page.contains("answers</b>"), "{page}");
    let token = field(&page, "token");
    let tried = async |token: &str| {
        text(&shop.fills_in("anna", "/inspector/check", &[("token", token)]).await)
    };
    let answer = tried(&token).await;
    assert!(
        answer.contains("Every operation was tried")
            || answer.contains("class=\"cards\" role=\"status\""),
        "{answer}"
    );
    assert!(tried(&token).await.contains("Nothing was tried"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_is_told_of_the_process_as_long_as_it_follows() {
    let shop = shop(Backend::memory().await);
    let events = shop.server.send(Method::GET, "/inspector/events").header("X-Operator", "anna");
    let mut events = events.begin().await;
    assert_eq!(events.headers()["content-type"], "text/event-stream");
    let event = events.chunk().await.expect("it is told").expect("an event");
    let event = String::from_utf8(event.to_vec()).expect("UTF-8");
    assert!(event.starts_with("event: live\ndata: <section"), "{event}");
    // A process that drains ends the page's events.
    shop.idempotency.drain(Duration::ZERO).await;
    eventually("the end", async || {
        let chunk = events.chunk().await.expect("it is told");
        chunk.is_none().then_some(())
    })
    .await;
}
