//! The clients of the chapter `docs/clients.md`, with a shop that fails once, and then loses its answer.

use crate::package::output;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{Data, ServiceConfig};
use actix_web::{Error, HttpResponse, Responder, post, web};
use idempotent_runtime::{Idempotency, Scope, idempotent};
use std::fs;
use tests::{ControlledHandler, Server};

const CHAPTER: &str = include_str!("../../docs/clients.md");

/// The code of the chapter in this language.
fn shown(language: &str) -> &'static str {
    let block = CHAPTER.split(&format!("```{language}\n")).nth(1).expect("a block of code");
    block.split("```").next().unwrap_or_default().trim()
}

#[post("/orders")]
#[idempotent]
async fn order(handler: Data<ControlledHandler>) -> impl Responder {
    handler.run().await
}

/// Loses the first answer to each order: a panic outside of the guard closes the connection.
async fn losing(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let response = next.call(request).await?;
    let is_replay = response.headers().contains_key("Idempotency-Replayed");
    assert!(response.status() != StatusCode::CREATED || is_replay, "as the test asked");
    Ok(response)
}

/// A shop whose first run fails.
async fn open() -> (Server, ControlledHandler) {
    let handler = ControlledHandler::new();
    handler.answers(|run| match run {
        1 => HttpResponse::ServiceUnavailable().finish(),
        run => HttpResponse::Created().body(format!("run {run}")),
    });
    let builder = Idempotency::connect("memory:").await.expect("no server is needed");
    let idempotency = builder.scope(Scope::shared()).build().expect("it fits");
    let routes = |config: &mut ServiceConfig| {
        config
            .service(web::scope("/losing").wrap(from_fn(losing)).service(order))
            .service(web::scope("/shop").service(order));
    };
    (Server::start(&idempotency, &handler, routes), handler)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_in_python_retries_into_one_effect() {
    let (server, handler) = open().await;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let url = format!("http://{}/losing/orders", server.address());
    let code = format!("{}\n\nprint(*post('{url}', {{'sku': 'book'}}))\n", shown("python"));
    fs::write(directory.path().join("client.py"), code).expect("it is written");
    assert_eq!(output("python3", &["client.py"], directory.path()), "201 b'run 2'");
    assert_eq!(handler.runs(), 2, "the one that failed, and the one that did it");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_in_typescript_retries_into_one_effect() {
    let (server, handler) = open().await;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let url = format!("http://{}/losing/orders", server.address());
    let code = format!(
        "import {{ webcrypto }} from 'node:crypto'
         globalThis.crypto ??= webcrypto
         {}
         const answer = await post('{url}', {{ sku: 'book' }})
         console.log(answer.status, await answer.text())",
        shown("ts"),
    );
    fs::write(directory.path().join("client.ts"), code).expect("it is written");
    let built = ["client.ts", "--format=esm", "--outfile=client.mjs", "--log-level=error"];
    output("esbuild", &built, directory.path());
    assert_eq!(output("node", &["client.mjs"], directory.path()), "201 run 2");
    assert_eq!(handler.runs(), 2, "the one that failed, and the one that did it");
}

/// `curl` does not send a request again that may have run, so this shop loses no answer.
#[tokio::test(flavor = "multi_thread")]
async fn curl_retries_what_failed() {
    let (server, handler) = open().await;
    let directory = tempfile::tempdir().expect("a temporary directory");
    // A `curl` older than 7.82 does not know `--json`.
    let body = "--header 'Content-Type: application/json' --data";
    let line = shown("sh").replace("--json", body).replace("curl", "curl --silent");
    let line = format!("URL=http://{}/shop/orders; KEY=k; {line}", server.address());
    assert_eq!(output("sh", &["-c", &line], directory.path()), "run 2");
    assert_eq!(handler.runs(), 2, "the one that failed, and the one that did it");
}
