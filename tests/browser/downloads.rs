//! A download that a person asks for twice: the replay is a download, too.

use actix_web::web::{Data, Form};
use actix_web::{HttpResponse, Responder, get, post};
use idempotent_runtime::{Idempotency, MemoryStore, Scope, idempotent};
use serde::Deserialize;
use std::fs;
use tests::{Browser, ControlledHandler, Server, eventually};

#[get("/")]
async fn page() -> impl Responder {
    HttpResponse::Ok().content_type("text/html").body(
        "<title>a shop</title><form action='/invoice' method='post'>
         <input type='hidden' name='token' value='t'><button id='get'>invoice</button></form>",
    )
}

#[derive(Deserialize)]
struct Asked {
    token: String,
}

/// A file of another author. If a browser opened it as a page of the shop, its script would run there.
#[post("/invoice")]
#[idempotent(key = "{form.token}", fingerprint = "none")]
async fn invoice(handler: Data<ControlledHandler>, asked: Form<Asked>) -> impl Responder {
    handler.run().await;
    HttpResponse::Ok()
        .content_type("text/html")
        .insert_header(("Content-Disposition", "attachment; filename=\"invoice.html\""))
        .body(format!("<title>{}</title><script>document.title = 'stolen'</script>", asked.token))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_that_is_asked_for_again_is_saved_again() {
    let idempotency = Idempotency::builder(MemoryStore::new()).scope(Scope::shared()).build();
    let (idempotency, handler) = (idempotency.expect("it fits"), ControlledHandler::new());
    let server = Server::start(&idempotency, &handler, |config| {
        config.service((page, invoice));
    });
    let browser = Browser::start().await;
    browser.open(&format!("http://{}/", server.address())).await;
    for name in ["invoice.html", "invoice (1).html"] {
        browser.click("#get").await;
        let saved = browser.downloads().join(name);
        let saved = eventually("it is saved", async || fs::read_to_string(&saved).ok()).await;
        assert!(saved.starts_with("<title>t</title>"), "{saved}");
        assert_eq!(browser.run("return document.title").await, "a shop");
    }
    assert_eq!((handler.runs(), idempotency.counts().replayed), (1, 1));
}
