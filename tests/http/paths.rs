//! The guard reads the same values as the handler, in every spelling of a request.

use crate::Shop;
use actix_web::web::{self, Data, Form, Path, ServiceConfig};
use actix_web::{Error, HttpRequest, HttpResponse, Responder, route};
use idempotent_runtime::policy::{Policy, Strategy};
use idempotent_runtime::store::record::Summary;
use idempotent_runtime::{Idempotency, Middleware, idempotent};
use reqwest::Method;
use serde::Deserialize;
use tests::{Backend, ControlledHandler};

on_every_store! {
    a_segment_however_it_is_spelled_is_one_key,
    a_segment_however_it_is_spelled_is_one_path,
    a_segment_is_what_the_handler_gets,
    a_segment_however_it_is_spelled_is_one_answer,
    without_a_key_spellings_of_a_path_and_a_query_are_one_answer,
    spellings_of_a_query_are_one_request,
    bytes_that_are_no_text_are_compared_as_bytes,
    a_value_that_is_no_text_is_no_key,
    a_form_is_read_in_its_charset,
    a_form_that_is_not_in_its_charset_is_no_key,
    a_cookie_is_read_as_the_handler_gets_it,
    behind_a_scope_spellings_of_a_path_are_one,
    an_exception_matches_what_the_router_matches,
}

type Handler = Data<ControlledHandler>;

static WRITES: Policy = Policy::of_routes(Strategy::RequestId);

fn routes(config: &mut ServiceConfig) {
    config
        .service(once)
        .service(keyed)
        .service(user)
        .service(rename)
        .service(page)
        .service(edit_page)
        .service(asked)
        .service(filled_in)
        .service(not_read)
        .service(signed_in);
}

/// The handler answers with the value that it got.
async fn got(handler: Handler, value: &str) -> HttpResponse {
    let status = handler.run().await.status();
    HttpResponse::build(status).body(value.to_owned())
}

#[route("/once/{id}", method = "POST")]
#[idempotent(key = "{path.id}", fingerprint = "none")]
async fn once(handler: Handler, id: Path<String>) -> impl Responder {
    got(handler, &id).await
}

#[route("/keyed/{id}", method = "POST")]
#[idempotent]
async fn keyed(handler: Handler, id: Path<String>) -> impl Responder {
    got(handler, &id).await
}

#[route("/users/{id}", method = "GET")]
#[idempotent(strategy = "cache", ttl = "1m", operation = "getUser", key = "{path.id}")]
async fn user(handler: Handler, id: Path<String>) -> impl Responder {
    got(handler, &id).await
}

#[route("/users/{id}", method = "PUT")]
async fn rename(
    id: Path<String>,
    request: HttpRequest,
    idempotency: Idempotency,
) -> Result<HttpResponse, Error> {
    idempotency.invalidate("getUser", [&*id]).of(&request).await?;
    Ok(HttpResponse::NoContent().finish())
}

#[route("/pages/{id}", method = "GET")]
#[idempotent(strategy = "cache", ttl = "1m", operation = "getPage")]
async fn page(handler: Handler, id: Path<String>) -> impl Responder {
    got(handler, &id).await
}

#[route("/pages/{id}", method = "PUT")]
async fn edit_page(request: HttpRequest, idempotency: Idempotency) -> Result<HttpResponse, Error> {
    let (path, query) = (request.path(), request.query_string());
    idempotency.invalidate("getPage", [path, query]).of(&request).await?;
    Ok(HttpResponse::NoContent().finish())
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[route("/asked", method = "POST")]
#[idempotent(key = "{query.name}", fingerprint = "none", required = false)]
async fn asked(handler: Handler, asked: web::Query<Named>) -> impl Responder {
    got(handler, &asked.name).await
}

#[route("/filled-in", method = "POST")]
#[idempotent(key = "{form.name}", fingerprint = "none", required = false)]
async fn filled_in(handler: Handler, sent: Form<Named>) -> impl Responder {
    got(handler, &sent.name).await
}

/// Its handler does not read the form.
#[route("/not-read", method = "POST")]
#[idempotent(key = "{form.name}", fingerprint = "none")]
async fn not_read(handler: Handler) -> impl Responder {
    handler.run().await
}

#[route("/signed-in", method = "POST")]
#[idempotent(key = "{cookie.sid}", fingerprint = "none", required = false)]
async fn signed_in(handler: Handler, request: HttpRequest) -> impl Responder {
    let sid = request.cookie("sid");
    got(handler, sid.as_ref().map_or("nobody", |sid| sid.value())).await
}

/// The same routes, and a guarded `web::scope` with handlers without the attribute.
fn with_scope(guard: &Idempotency, config: &mut ServiceConfig) {
    let guard = Middleware::new(guard, &WRITES).except("/g/files/public/{name}");
    let plain = |handler: Handler| async move { handler.run().await };
    let scope = web::scope("/g")
        .wrap(guard)
        .route("/plain", web::post().to(plain))
        .route("/items/{id}", web::post().to(plain))
        .route("/files/{name}", web::post().to(plain))
        .route("/files/public/{name}", web::post().to(plain));
    config.configure(routes).service(scope);
}

fn open(backend: Backend) -> Shop {
    Shop::serving(backend, |builder| builder, with_scope)
}

async fn read(shop: &Shop, path: &str) -> String {
    let reply = shop.server.send(Method::GET, path).send().await;
    assert_eq!(reply.status, 201, "{path}");
    String::from_utf8(reply.body.to_vec()).expect("text")
}

/// Values, and other spellings of each.
const SPELLINGS: [(&str, &[&str]); 4] = [
    ("x+y", &["x+y", "x%2By", "x%2by", "%78+y"]),
    ("p/q", &["p%2Fq", "p%2fq", "%70%2Fq"]),
    ("50%", &["50%25", "%350%25"]),
    ("a b:é", &["a%20b:%C3%A9", "a%20b%3A%c3%a9", "%61%20b:é"]),
];

async fn a_segment_however_it_is_spelled_is_one_key(backend: Backend) {
    let shop = open(backend);
    for (n, (value, spellings)) in SPELLINGS.into_iter().enumerate() {
        for spelled in spellings {
            let reply = shop.post(&format!("/once/{spelled}")).send().await;
            assert_eq!((reply.status, &reply.body[..]), (201, value.as_bytes()), "{spelled}");
            assert_eq!(shop.handler.runs(), n + 1, "{spelled}");
        }
    }
}

/// The path is a part of the record's address and of the fingerprint.
async fn a_segment_however_it_is_spelled_is_one_path(backend: Backend) {
    let shop = open(backend);
    for (n, (_, spellings)) in SPELLINGS.into_iter().enumerate() {
        for (m, spelled) in spellings.iter().enumerate() {
            let reply = shop.post(&format!("/keyed/{spelled}")).key("k").send().await;
            assert_eq!((reply.status, reply.is_replay()), (201, m > 0), "{spelled}");
        }
        assert_eq!(shop.handler.runs(), n + 1);
    }
}

async fn a_segment_is_what_the_handler_gets(backend: Backend) {
    let shop = open(backend);
    let others = ["%2525", "%252B", "a%2525b", "%EF%BF%BD", "%25", "%2B", "%20", "2"];
    for (n, spelled) in others.into_iter().enumerate() {
        let reply = shop.post(&format!("/once/{spelled}")).send().await;
        assert!(!reply.is_replay(), "{spelled}");
        let record = shop.backend.store.record().await;
        let label = Summary::of(&record.value).label;
        assert_eq!(label.as_bytes(), &reply.body[..], "{spelled}");
        assert_eq!(shop.handler.runs(), n + 1);
    }
}

async fn a_segment_however_it_is_spelled_is_one_answer(backend: Backend) {
    let shop = open(backend);
    let mut runs = 0;
    for (value, spellings) in SPELLINGS {
        for changed in spellings {
            runs += 1;
            for spelled in spellings {
                assert_eq!(read(&shop, &format!("/users/{spelled}")).await, value, "{spelled}");
                assert_eq!(shop.handler.runs(), runs, "{spelled}");
            }
            let path = format!("/users/{changed}");
            assert_eq!(shop.server.send(Method::PUT, &path).send().await.status, 204);
        }
    }
}

async fn without_a_key_spellings_of_a_path_and_a_query_are_one_answer(backend: Backend) {
    let shop = open(backend);
    let mut runs = 0;
    for query in ["", "?q=a+b", "?q=a%20%62"] {
        for changed in ["x+y", "x%2By"] {
            runs += 1;
            for spelled in ["x+y", "x%2By", "%78+y"] {
                assert_eq!(read(&shop, &format!("/pages/{spelled}{query}")).await, "x+y");
                assert_eq!(shop.handler.runs(), runs, "{spelled}{query}");
            }
            let path = format!("/pages/{changed}{query}");
            assert_eq!(shop.server.send(Method::PUT, &path).send().await.status, 204);
        }
    }
    assert_eq!(read(&shop, "/pages/p%2Fq").await, "p/q");
    assert_eq!(read(&shop, "/pages/p").await, "p");
    assert_eq!(shop.handler.runs(), runs + 2);
}

async fn spellings_of_a_query_are_one_request(backend: Backend) {
    let shop = open(backend);
    let send = |query: &str| shop.post(&format!("/keyed/1?{query}")).key("k").send();
    assert!(!send("a=1+2&b=%C3%A9").await.is_replay());
    for same in ["a=1%202&b=%c3%a9", "%61=1+2&b=é", "&a=1+2&&b=%C3%A9&"] {
        assert!(send(same).await.is_replay(), "{same}");
    }
    for other in ["a=1%2B2&b=%C3%A9", "b=%C3%A9&a=1+2", "a=1+2&b=%C3%A9&c", "a=1+2%26b=%C3%A9"] {
        send(other).await.is_problem(422, "key-reused");
    }
    assert_eq!(shop.handler.runs(), 1);
}

async fn bytes_that_are_no_text_are_compared_as_bytes(backend: Backend) {
    let shop = open(backend);
    for (n, path) in ["/keyed/%FE", "/keyed/%FF", "/keyed/%EF%BF%BD"].into_iter().enumerate() {
        assert!(!shop.post(path).key("k").send().await.is_replay(), "{path}");
        assert!(shop.post(path).key("k").send().await.is_replay(), "{path}");
        assert_eq!(shop.handler.runs(), n + 1);
    }
    assert_eq!(shop.post("/keyed/1?a=%FE").key("q").send().await.status, 201);
    for other in ["/keyed/1?a=%FF", "/keyed/1?a=%EF%BF%BD"] {
        shop.post(other).key("q").send().await.is_problem(422, "key-reused");
    }
}

async fn a_value_that_is_no_text_is_no_key(backend: Backend) {
    let shop = open(backend);
    for path in ["/once/%FE", "/once/a%C3", "/once/%F%45", "/asked?name=%FE", "/asked?name=a%ff"] {
        let refused = shop.post(path).send().await;
        refused.is_problem(400, "key-invalid");
        assert!(refused.json()["detail"].to_string().contains("UTF-8"), "{path}");
    }
    shop.post("/signed-in").header("Cookie", "sid=%FE").send().await.is_problem(400, "key-invalid");
    let form = |body: &'static [u8]| {
        let kind = "application/x-www-form-urlencoded";
        shop.post("/filled-in").header("Content-Type", kind).body(body).send()
    };
    form(b"name=%FE").await.is_problem(400, "key-invalid");
    form(b"name=\xfe").await.is_problem(400, "key-invalid");
    assert_eq!(shop.handler.runs(), 0);
}

async fn a_form_is_read_in_its_charset(backend: Backend) {
    let shop = open(backend);
    let send = |charset: &str, body: &'static [u8]| {
        let kind = format!("application/x-www-form-urlencoded{charset}");
        shop.post("/filled-in").header("Content-Type", kind).body(body)
    };
    let latin = "; charset=iso-8859-1";
    for (charset, body) in [
        ("", &b"name=%C3%A9"[..]),
        ("", b"name=\xc3\xa9&x=1"),
        ("; charset=utf-8", b"n%61me=%c3%a9"),
        (latin, b"name=\xe9"),
        (latin, b"name=%C3%A9"),
    ] {
        let reply = send(charset, body).send().await;
        assert_eq!((reply.status, &reply.body[..]), (201, "é".as_bytes()), "{charset} {body:?}");
        assert_eq!(shop.handler.runs(), 1, "{charset} {body:?}");
    }
    // actix does not decode this coding; it decodes others if the app's features allow it.
    let compressed = send("", b"name=a").header("Content-Encoding", "compress").send().await;
    compressed.is_problem(400, "key-invalid");
    assert_eq!(shop.handler.runs(), 1);
}

/// If an extractor reads the form, it refuses the request first.
async fn a_form_that_is_not_in_its_charset_is_no_key(backend: Backend) {
    let shop = open(backend);
    let send = |charset: &str, body: &'static [u8]| {
        let kind = format!("application/x-www-form-urlencoded; charset={charset}");
        shop.post("/not-read").header("Content-Type", kind).body(body).send()
    };
    for (charset, body) in [("unheard-of", &b"name=a"[..]), ("shift_jis", b"name=a\xff")] {
        send(charset, body).await.is_problem(400, "key-invalid");
    }
    assert_eq!(send("shift_jis", b"name=\x83\x41").await.status, 201);
    assert!(send("utf-8", "name=ア".as_bytes()).await.is_replay());
    assert_eq!(shop.handler.runs(), 1);
}

async fn a_cookie_is_read_as_the_handler_gets_it(backend: Backend) {
    let shop = open(backend);
    let send = |cookie: &'static str| shop.post("/signed-in").header("Cookie", cookie).send();
    for cookie in ["sid=a%20b", "other=%FE; sid=a%20b", "sid=\"a b\"", "sid; s%69d=%61 b"] {
        let reply = send(cookie).await;
        assert_eq!((reply.status, &reply.body[..]), (201, &b"a b"[..]), "{cookie}");
        assert_eq!(shop.handler.runs(), 1, "{cookie}");
    }
    for (cookie, kind) in [
        ("sid=a; sid=%FE", "key-invalid"),
        ("sid=%FE; sid=a", "key-invalid"),
        ("sid=a; sid=a", "key-invalid"),
        ("sid=", "key-missing"),
    ] {
        send(cookie).await.is_problem(400, kind);
    }
    // The handler gets none of the line.
    let broken = shop.post("/signed-in").header("Cookie", b"sid=a%20b; other=\xfe");
    broken.send().await.is_problem(400, "key-invalid");
    assert_eq!(shop.handler.runs(), 1);
}

async fn behind_a_scope_spellings_of_a_path_are_one(backend: Backend) {
    let shop = open(backend);
    for (n, spellings) in
        [&["/g/plain", "/g/pl%61in"][..], &["/g/items/x+y", "/g/items/x%2By", "/g/it%65ms/x+y"]]
            .into_iter()
            .enumerate()
    {
        for (m, path) in spellings.iter().enumerate() {
            let reply = shop.post(path).key("k").send().await;
            assert_eq!((reply.status, reply.is_replay()), (201, m > 0), "{path}");
        }
        assert_eq!(shop.handler.runs(), n + 1);
    }
    shop.post("/g/pl%61in").key("l").send().await;
    let record = shop.backend.store.record().await;
    assert_eq!(Summary::of(&record.value).operation, "/g/plain");
}

async fn an_exception_matches_what_the_router_matches(backend: Backend) {
    let shop = open(backend);
    for guarded in ["/g/files/x", "/g/files/public%2Fx", "/g/files/public%2fx", "/g/plain"] {
        shop.post(guarded).send().await.is_problem(400, "key-missing");
    }
    assert_eq!(shop.handler.runs(), 0);
    for free in ["/g/files/public/x", "/g/files/publi%63/x", "/g/files/public/x%2Fy"] {
        assert_eq!(shop.post(free).send().await.status, 201, "{free}");
    }
}
