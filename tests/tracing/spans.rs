//! One span for each request, call and task, and the spans and events below it.

use crate::Traced;
use actix_web::web::{Bytes, Data, Path, ServiceConfig};
use actix_web::{HttpResponse, Responder, post, web};
use futures_util::stream::{self, StreamExt};
use idempotent_runtime::message::{MessageError, Messages};
use idempotent_runtime::policy::{Policy, Strategy};
use idempotent_runtime::task::{TaskRunner, task_routes};
use idempotent_runtime::{Idempotency, MemoryStore, Middleware, idempotent};
use std::io;
use tests::{ControlledHandler, eventually};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tracing::Instrument;

const OURS: &str = "guarded request{idempotency.operation=POST ";

#[post("/traced/{id}")]
#[idempotent(on_in_flight = "wait")]
async fn traced(id: Path<String>, handler: Data<ControlledHandler>) -> impl Responder {
    let id = id.into_inner();
    let work = async {
        let response = handler.run().await;
        tracing::info!(target: "handler", id, "worked");
        response
    };
    work.instrument(tracing::info_span!(target: "handler", "own")).await
}

#[post("/streamed/{id}")]
#[idempotent]
async fn streamed(id: Path<String>) -> impl Responder {
    let id = id.into_inner();
    let pieces = stream::iter(["one", "two"]).then(move |piece| {
        let id = id.clone();
        async move {
            tokio::task::yield_now().await;
            tracing::info!(target: "handler", id, piece, "a piece");
            Ok::<_, io::Error>(Bytes::from(piece))
        }
    });
    HttpResponse::Ok().streaming(pieces)
}

#[post("/task/{id}")]
#[idempotent(strategy = "async")]
async fn task(id: Path<String>) -> impl Responder {
    tracing::info!(target: "handler", id = *id, "task");
    "done"
}

fn routes(config: &mut ServiceConfig) {
    config.service((traced, streamed, task)).service(task_routes("/tasks"));
}

async fn open() -> Traced {
    Traced::open(|builder| builder, routes).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handlers_own_span_hangs_under_its_requests_which_tells_the_outcome() {
    let shop = open().await;
    for replayed in [false, true] {
        let reply = shop.server.post("/traced/spans").key("spans").send().await;
        assert_eq!(reply.is_replay(), replayed);
    }
    let worked = shop.lines.has(&["worked", "id=\"spans\""]).await;
    assert!(worked.contains(OURS), "{worked}");
    assert!(worked.contains("}:own: handler: worked"), "{worked}");
    let key = worked.split("idempotency.key=").nth(1).expect("a key");
    let key = key.split([' ', '}']).next().unwrap_or_default();
    assert_eq!(key.len(), 16, "the first of its 64 digits: {worked}");
    for told in ["/traced/{id} ", "strategy=\"request_id\"", "attempt=1"] {
        assert!(worked.contains(told), "{told}: {worked}");
    }
    let of_key = format!("idempotency.key={key}");
    shop.lines.has(&["close", &of_key, "idempotency.outcome=\"ran\""]).await;
    let replayed = shop.lines.has(&["close", &of_key, "idempotency.outcome=\"replayed\""]).await;
    assert!(!replayed.contains("attempt"), "{replayed}");
    shop.lines.has(&["DEBUG", &of_key, "a stored response is sent again"]).await;
    for event in ["a key is claimed", "an outcome is stored", "a key has an outcome"] {
        let line = shop.lines.has(&["DEBUG", OURS, &of_key, event]).await;
        assert!(line.contains(&format!("key={key}")), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_is_told() {
    let shop = open().await;
    shop.handler.pause();
    let first = tokio::spawn(shop.server.post("/traced/waits").key("waits").send());
    shop.handler.runs_reach(1).await;
    let second = tokio::spawn(shop.server.post("/traced/waits").key("waits").send());
    shop.lines.has(&["DEBUG", OURS, "a claim waits for another run"]).await;
    shop.handler.resume();
    assert!(!first.await.unwrap().is_replay() && second.await.unwrap().is_replay());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_whose_client_left_goes_on_in_its_span() {
    let shop = open().await;
    shop.handler.pause();
    let mut client = TcpStream::connect(shop.server.address()).await.unwrap();
    let request = "POST /traced/left HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer alice\r\n\
                   Idempotency-Key: left\r\nContent-Length: 0\r\n\r\n";
    client.write_all(request.as_bytes()).await.unwrap();
    shop.handler.runs_reach(1).await;
    client.set_zero_linger().unwrap();
    drop(client);
    eventually("it goes on alone", async || {
        (shop.idempotency.counts().detached == 1).then_some(())
    })
    .await;
    shop.handler.resume();
    let worked = shop.lines.has(&["worked", "id=\"left\""]).await;
    assert!(worked.contains(OURS) && worked.contains("}:own: "), "{worked}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_streamed_body_is_made_in_the_span_of_its_request() {
    let shop = open().await;
    let reply = shop.server.post("/streamed/pieces").key("pieces").send().await;
    assert_eq!(&reply.body[..], b"onetwo");
    for piece in ["one", "two"] {
        let line = shop.lines.has(&["a piece", "id=\"pieces\"", &format!("{piece:?}")]).await;
        assert!(line.contains(&format!("{OURS}/streamed/{{id}}")), "{line}");
    }
    shop.lines.has(&[&format!("{OURS}/streamed/{{id}}"), "an outcome is stored"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_run_of_a_task_has_a_span_of_its_own() {
    let shop = open().await;
    let runner = TaskRunner::start(&shop.idempotency, routes).unwrap();
    assert_eq!(shop.server.post("/task/tasked").key("tasked").send().await.status, 202);
    let line = shop.lines.has(&["handler: task", "id=\"tasked\""]).await;
    assert!(line.contains("strategy=\"async\"") && line.contains("attempt=1"), "{line}");
    shop.lines.has(&["close", "strategy=\"async\"", "idempotency.outcome=\"accepted\""]).await;
    shop.lines.has(&["close", "strategy=\"async\"", "idempotency.outcome=\"ran\""]).await;
    drop(runner);
}

static WRITES: Policy = Policy::of_routes(Strategy::RequestId);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guarded_scope_has_the_span_from_the_first_poll_on() {
    let lines = crate::Lines::read();
    let app = Idempotency::builder(MemoryStore::new())
        .scope(idempotent_runtime::Scope::shared())
        .build()
        .unwrap();
    let guard = app.clone();
    let server = tests::Server::start(&app, &ControlledHandler::new(), move |config| {
        let at_once = async || {
            tracing::info!(target: "handler", "in a scope");
            HttpResponse::Ok().finish()
        };
        let scope = web::scope("/scope").route("/{id}", web::post().to(at_once));
        config.service(scope.wrap(Middleware::new(&guard, &WRITES)));
    });
    assert_eq!(server.post("/scope/1").key("scope").send().await.status, 200);
    let line = lines.has(&["in a scope"]).await;
    assert!(line.contains(&format!("{OURS}/scope/{{id}}")), "{line}");
}

#[idempotent(strategy = "message", key = "{id}", engine = "messages")]
async fn book(messages: &Messages, id: String) -> Result<u8, MessageError> {
    tracing::info!(target: "handler", id, "booked");
    Ok(1)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_has_a_span() {
    let lines = crate::Lines::read();
    let messages = Messages::builder(MemoryStore::new()).scope("spans").build().unwrap();
    for _ in 0..2 {
        assert_eq!(book(&messages, "called".to_owned()).await.unwrap(), 1);
    }
    let booked = lines.has(&["booked", "id=\"called\""]).await;
    let ours = "guarded call{idempotency.operation=\"book\" idempotency.strategy=\"message\"";
    assert!(booked.contains(ours) && booked.contains("attempt=1"), "{booked}");
    lines.has(&["close", ours, "idempotency.outcome=\"ran\""]).await;
    lines.has(&["close", ours, "idempotency.outcome=\"replayed\""]).await;
    lines.has(&["DEBUG", ours, "a stored value is returned again"]).await;
}
