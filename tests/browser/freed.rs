//! A form whose answer is not a page: a person can send it again.

use actix_web::web::{Data, Path, ServiceConfig};
use actix_web::{HttpResponse, Responder, get, post};
use idempotent_runtime::token::browser_script;
use idempotent_runtime::{Idempotency, MemoryStore, Scope};
use tests::{Browser, ControlledHandler, Server, eventually};

type Handler = Data<ControlledHandler>;

/// Presses the browser's stop button once the server has the form. The script holds a form for at most an hour, or
/// not at all.
#[get("/")]
async fn page() -> impl Responder {
    HttpResponse::Ok().content_type("text/html").body(
        "<title>a shop</title>
         <script>
           const later = setTimeout
           const longest = () => window.hurries ? 1 : 3600000
           setTimeout = (work, ms) => later(work, ms > 10000 ? longest() : ms)
         </script>
         <script src='/idempotent.js'></script>
         <form action='/nothing' method='post'><button id='nothing'>do</button></form>
         <form action='/slow' method='post'><button id='slow'>do</button></form>
         <form action='mailto:shop@example.com' method='post'><button id='mail'>write</button></form>
         <script>
           let sent = 0
           document.querySelector('#slow').form.addEventListener('submit', async () => {
             await fetch('/begun/' + ++sent)
             stop()
           })
         </script>",
    )
}

#[post("/nothing")]
async fn nothing(handler: Handler) -> impl Responder {
    handler.run().await;
    HttpResponse::NoContent()
}

#[post("/slow")]
async fn slow(handler: Handler) -> impl Responder {
    handler.run().await
}

#[get("/begun/{runs}")]
async fn begun(handler: Handler, runs: Path<usize>) -> impl Responder {
    handler.runs_reach(*runs).await;
    HttpResponse::Ok()
}

/// A person in front of the page.
async fn open() -> (Browser, ControlledHandler, Server) {
    let idempotency = Idempotency::builder(MemoryStore::new()).scope(Scope::shared()).build();
    let (idempotency, handler) = (idempotency.expect("it fits"), ControlledHandler::new());
    let routes = |config: &mut ServiceConfig| {
        config.service((page, nothing, slow, begun)).route("/idempotent.js", browser_script());
    };
    let server = Server::start(&idempotency, &handler, routes);
    let browser = Browser::start().await;
    browser.open(&format!("http://{}/", server.address())).await;
    (browser, handler, server)
}

async fn is_free(browser: &Browser, button: &str) -> bool {
    let script = format!(
        "const button = document.querySelector('{button}')
         return new Promise((told) => later(() => told(!button.disabled && !button.form.ariaBusy), 10))"
    );
    browser.run(&script).await == true
}

async fn becomes_free(browser: &Browser, button: &str) {
    eventually("it is free", async || is_free(browser, button).await.then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_content_frees_the_form() {
    let (browser, handler, _server) = open().await;
    browser.click("#nothing").await;
    handler.answers_reach(1).await;
    assert!(!is_free(&browser, "#nothing").await, "for a while");
    browser.run("location.reload()").await;
    for run in [2, 3] {
        browser.run("window.hurries = true").await;
        browser.click("#nothing").await;
        handler.answers_reach(run).await;
        becomes_free(&browser, "#nothing").await;
    }
    assert_eq!(handler.runs(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_stops_can_send_the_form_again() {
    let (browser, handler, _server) = open().await;
    handler.pause();
    for run in [1, 2] {
        browser.click("#slow").await;
        handler.runs_reach(run).await;
        becomes_free(&browser, "#slow").await;
    }
    handler.resume();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_leads_nowhere_is_never_held() {
    let (browser, _handler, _server) = open().await;
    browser.click("#mail").await;
    assert!(is_free(&browser, "#mail").await);
}
