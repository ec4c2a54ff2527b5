//! Functions that no route tells apart never answer for each other, and a renamed handler keeps its keys.

use crate::guard;
use actix_web::guard::Header;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpResponse, Responder, get, post};
use idempotent_runtime::policy::{Policy, Strategy};
use idempotent_runtime::token::issue_token;
use idempotent_runtime::{Middleware, idempotent};
use reqwest::Method;
use tests::{Backend, ControlledHandler, Log, Sender, Server};

on_every_store! {
    reads_of_one_name_in_two_modules_answer_for_themselves,
    a_renamed_handler_keeps_its_keys,
    a_record_of_a_handler_that_is_at_work_elsewhere_is_refused,
    an_answer_of_a_read_that_is_at_work_elsewhere_is_refused,
    the_second_handler_at_a_route_is_refused,
    the_second_handler_of_a_named_operation_is_refused,
    handlers_at_one_route_may_name_their_operations,
    handlers_may_share_an_operation,
    a_read_whose_key_leaves_a_path_parameter_out_is_refused,
    a_guard_around_a_scope_never_finds_a_handlers_record,
}

type Handler = Data<ControlledHandler>;

/// A server with these routes, and the test's control of its handlers.
fn server(
    backend: &Backend,
    routes: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
) -> (Server, ControlledHandler) {
    let handler = ControlledHandler::new();
    let idempotency = guard(backend).build().expect("settings that fit");
    (Server::start(&idempotency, &handler, routes), handler)
}

fn get(server: &Server, path: &str) -> Sender {
    server.send(Method::GET, path)
}

mod users {
    use super::*;

    #[get("/users/{id}")]
    #[idempotent(strategy = "cache", key = "user:{path.id}", ttl = "1m")]
    pub(super) async fn show(id: web::Path<String>) -> impl Responder {
        format!("user {id}")
    }
}

mod orders {
    use super::*;

    #[get("/orders/{id}")]
    #[idempotent(strategy = "cache", key = "order:{path.id}", ttl = "1m")]
    pub(super) async fn show(id: web::Path<String>) -> impl Responder {
        format!("order {id}")
    }
}

async fn reads_of_one_name_in_two_modules_answer_for_themselves(backend: Backend) {
    let routes = |app: &mut ServiceConfig| {
        app.service(users::show).service(orders::show);
    };
    let (server, _) = server(&backend, routes);
    for _ in 0..2 {
        assert_eq!(get(&server, "/users/7").send().await.body, "user 7");
        assert_eq!(get(&server, "/orders/7").send().await.body, "order 7");
    }
}

#[post("/payments")]
#[idempotent]
async fn create_payment(handler: Handler) -> impl Responder {
    handler.run().await
}

/// The same handler after it was renamed.
#[post("/payments")]
#[idempotent]
async fn make_payment(handler: Handler) -> impl Responder {
    handler.run().await
}

async fn a_renamed_handler_keeps_its_keys(backend: Backend) {
    let (old, _) = server(&backend, |app| {
        app.service(create_payment);
    });
    let first = old.post("/payments").key("k").send().await;
    let (new, handler) = server(&backend, |app| {
        app.service(make_payment);
    });
    let again = new.post("/payments").key("k").send().await;
    assert_eq!((again.status, again.is_replay(), again.body), (201, true, first.body));
    assert_eq!(handler.runs(), 0);
}

#[idempotent]
async fn in_english() -> impl Responder {
    HttpResponse::Created().body("a letter")
}

#[idempotent]
async fn in_french() -> impl Responder {
    HttpResponse::Created().body("une lettre")
}

async fn the_second_handler_at_a_route_is_refused(backend: Backend) {
    let (server, _) = server(&backend, |app| {
        app.service(
            web::resource("/letters")
                .route(web::post().guard(Header("lang", "fr")).to(in_french))
                .route(web::post().to(in_english)),
        );
    });
    let english = || server.post("/letters").key("k").send();
    let french = || server.post("/letters").key("k").header("lang", "fr").send();
    assert_eq!(english().await.body, "a letter");
    french().await.is_problem(500, "misconfigured");
    let again = english().await;
    assert_eq!((again.is_replay(), &again.body[..]), (true, &b"a letter"[..]), "the first goes on");
}

#[tokio::test]
async fn the_log_says_which_two_handlers_have_one_route() {
    let log = Log::listen();
    the_second_handler_at_a_route_is_refused(Backend::memory().await).await;
    let lines = log.lines("operation=\"/letters\"");
    let both = |line: &&String| line.contains("in_english (") && line.contains("in_french (");
    assert!(lines.iter().any(|line| both(&line)), "{lines:?}");
}

/// The routes after a deployment that gave a route to another handler, and moved the first one.
async fn a_record_of_a_handler_that_is_at_work_elsewhere_is_refused(backend: Backend) {
    let (before, _) = server(&backend, |app| {
        app.route("/letters", web::post().to(in_english));
    });
    before.post("/letters").key("k").send().await;
    let (after, _) = server(&backend, |app| {
        app.route("/letters", web::post().to(in_french));
        app.route("/letters/english", web::post().to(in_english));
    });
    // Until the other handler is seen running, this one may be its new name.
    assert_eq!(after.post("/letters").key("k").send().await.body, "a letter");
    assert_eq!(after.post("/letters/english").key("k").send().await.body, "a letter");
    after.post("/letters").key("k").send().await.is_problem(500, "misconfigured");
    assert_eq!(after.post("/letters").key("l").send().await.body, "une lettre");
}

#[idempotent(strategy = "cache", ttl = "1m")]
async fn summer_prices() -> impl Responder {
    "summer"
}

#[idempotent(strategy = "cache", ttl = "1m")]
async fn winter_prices() -> impl Responder {
    "winter"
}

async fn an_answer_of_a_read_that_is_at_work_elsewhere_is_refused(backend: Backend) {
    let (before, _) = server(&backend, |app| {
        app.route("/prices", web::get().to(summer_prices));
    });
    assert_eq!(get(&before, "/prices").send().await.body, "summer");
    let (after, _) = server(&backend, |app| {
        app.route("/prices", web::get().to(winter_prices));
        app.route("/prices/summer", web::get().to(summer_prices));
    });
    assert_eq!(get(&after, "/prices").send().await.body, "summer");
    assert_eq!(get(&after, "/prices/summer").send().await.body, "summer");
    get(&after, "/prices").send().await.is_problem(500, "misconfigured");
}

#[post("/users")]
#[idempotent(strategy = "token", key = "{header.token}", operation = "create")]
async fn create_user(handler: Handler) -> impl Responder {
    handler.run().await
}

#[post("/baskets")]
#[idempotent(strategy = "token", key = "{header.token}", operation = "create")]
async fn create_basket(handler: Handler) -> impl Responder {
    handler.run().await
}

#[get("/names")]
#[idempotent(strategy = "cache", key = "all", operation = "list", ttl = "1m")]
async fn list_names() -> impl Responder {
    "names"
}

#[get("/prices")]
#[idempotent(strategy = "cache", key = "all", operation = "list", ttl = "1m")]
async fn list_prices() -> impl Responder {
    "prices"
}

async fn the_second_handler_of_a_named_operation_is_refused(backend: Backend) {
    let (server, handler) = server(&backend, |app| {
        app.service(create_user).service(create_basket).service(list_names).service(list_prices);
        app.route("/tokens", issue_token("create"));
    });
    assert_eq!(get(&server, "/names").send().await.body, "names");
    get(&server, "/prices").send().await.is_problem(500, "misconfigured");
    let with_token = async |path| {
        let token = get(&server, "/tokens").send().await.body;
        server.post(path).header("token", token).send().await
    };
    assert_eq!(with_token("/users").await.status, 201);
    with_token("/baskets").await.is_problem(500, "misconfigured");
    assert_eq!(handler.runs(), 1);
}

#[idempotent(operation = "english")]
async fn named_english() -> impl Responder {
    HttpResponse::Created().body("a letter")
}

#[idempotent(operation = "french")]
async fn named_french() -> impl Responder {
    HttpResponse::Created().body("une lettre")
}

async fn handlers_at_one_route_may_name_their_operations(backend: Backend) {
    let (server, _) = server(&backend, |app| {
        app.service(
            web::resource("/letters")
                .route(web::post().guard(Header("lang", "fr")).to(named_french))
                .route(web::post().to(named_english)),
        );
    });
    for _ in 0..2 {
        assert_eq!(server.post("/letters").key("k").send().await.body, "a letter");
        let french = server.post("/letters").key("k").header("lang", "fr");
        assert_eq!(french.send().await.body, "une lettre");
    }
}

#[idempotent(operation = "letter", shared_operation = true)]
async fn shared_english() -> impl Responder {
    HttpResponse::Created().body("a letter")
}

#[idempotent(operation = "letter", shared_operation = true)]
async fn shared_french() -> impl Responder {
    HttpResponse::Created().body("une lettre")
}

async fn handlers_may_share_an_operation(backend: Backend) {
    let (server, _) = server(&backend, |app| {
        app.service(
            web::resource("/letters")
                .route(web::post().guard(Header("lang", "fr")).to(shared_french))
                .route(web::post().to(shared_english)),
        );
    });
    assert_eq!(server.post("/letters").key("k").send().await.body, "a letter");
    let french = server.post("/letters").key("k").header("lang", "fr").send().await;
    assert_eq!((french.is_replay(), &french.body[..]), (true, &b"a letter"[..]));
}

#[get("/views/{id}")]
#[idempotent(strategy = "cache", key = "{query.view}", ttl = "1m")]
async fn view(id: web::Path<String>) -> impl Responder {
    format!("view of {id}")
}

#[get("/totals/{year}")]
#[idempotent(strategy = "cache", key = "all", operation = "totals", ttl = "1m")]
async fn totals(handler: Handler) -> impl Responder {
    handler.run().await
}

#[get("/names/{id}")]
#[idempotent(strategy = "cache", key = "{id}", ttl = "1m")]
async fn name(id: web::Path<String>) -> impl Responder {
    format!("name of {id}")
}

async fn a_read_whose_key_leaves_a_path_parameter_out_is_refused(backend: Backend) {
    let (server, handler) = server(&backend, |app| {
        app.service(view).service(totals).service(name);
    });
    let refused = get(&server, "/views/7?view=full").send().await;
    refused.is_problem(500, "misconfigured");
    assert!(refused.json()["detail"].as_str().unwrap().contains("`id` of `/views/{id}`"));
    // A named operation is intended, and an expression may read the path.
    for year in [2025, 2026] {
        assert_eq!(get(&server, &format!("/totals/{year}")).send().await.status, 201);
    }
    assert_eq!(handler.runs(), 1);
    assert_eq!(get(&server, "/names/7").send().await.body, "name of 7");
    assert_eq!(get(&server, "/names/8").send().await.body, "name of 8");
}

static WRITES: Policy = Policy::of_routes(Strategy::RequestId);

async fn bare(handler: Handler) -> impl Responder {
    handler.run().await
}

async fn a_guard_around_a_scope_never_finds_a_handlers_record(backend: Backend) {
    let (annotated, _) = server(&backend, |app| {
        app.service(create_payment);
    });
    assert_eq!(annotated.post("/payments").key("k").send().await.status, 201);
    let around = guard(&backend).build().expect("settings that fit");
    let (scoped, handler) = server(&backend, move |app| {
        let guarded = web::scope("").wrap(Middleware::new(&around, &WRITES));
        app.service(guarded.route("/payments", web::post().to(bare)));
    });
    let other = scoped.post("/payments").key("k").send().await;
    assert_eq!((other.status, other.is_replay(), handler.runs()), (201, false, 1));
    assert!(scoped.post("/payments").key("k").send().await.is_replay());
}
