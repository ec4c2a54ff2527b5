//! Handlers of every legal form: they compile, run once, and replay.

mod associated;
mod conditions;
mod constants;
mod direct_calls;
mod documents;
mod lints;
mod macros;
mod names;
mod parameters;
mod paths;
mod places;
mod refusals;
mod returns;
mod states;
mod templates;
mod templates_at_run_time;
mod transactions;

use actix_web::App;
use actix_web::body::{MessageBody, to_bytes};
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::web::{Bytes, ServiceConfig};
use idempotent_runtime::{Idempotency, MemoryStore, Scope};
use serde::Deserialize;
use std::fmt;

#[derive(Debug, Deserialize)]
struct Order {
    sku: String,
}

impl Order {
    fn sku(&self) -> &str {
        &self.sku
    }
}

/// The answer that a client gets.
#[derive(Debug, PartialEq)]
struct Answer {
    status: StatusCode,
    body: Bytes,
    kind: Option<String>,
    is_replay: bool,
}

fn guard() -> Idempotency {
    let guard = Idempotency::builder(MemoryStore::new()).scope(Scope::shared());
    guard.build().expect("settings that fit")
}

async fn answer<S, R, B, E>(app: &S, request: R) -> Answer
where
    S: Service<R, Response = ServiceResponse<B>, Error = E>,
    B: MessageBody,
    E: fmt::Debug,
{
    let response = call_service(app, request).await;
    let is_replay = response.headers().contains_key("idempotency-replayed");
    let kind = response.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
    let status = response.status();
    let Ok(body) = to_bytes(response.into_body()).await else { panic!("the body breaks") };
    Answer { status, body, kind, is_replay }
}

/// A POST of an order, with a key.
fn post(path: &str) -> TestRequest {
    TestRequest::post()
        .uri(path)
        .insert_header(("Idempotency-Key", "k"))
        .insert_header(("Content-Type", "application/json"))
        .set_payload("{\"sku\":\"book\"}")
}

/// The place for an app's routes.
type Routes = for<'a> fn(&'a mut ServiceConfig) -> &'a mut ServiceConfig;

/// Sends a request twice, and checks that it runs once and both get the same answer, which is returned.
async fn twice(routes: Routes, request: fn() -> TestRequest) -> Answer {
    let guard = guard();
    let configured = App::new().app_data(guard.clone()).configure(|app| _ = routes(app));
    let app = init_service(configured).await;
    let first = answer(&app, request().to_request()).await;
    let second = answer(&app, request().to_request()).await;
    assert_eq!((first.is_replay, second.is_replay), (false, true), "{first:?}\n{second:?}");
    assert_eq!((first.status, &first.body), (second.status, &second.body));
    assert_eq!((guard.counts().ran, guard.counts().replayed), (1, 1));
    first
}

/// The same, where the answer is 200 and this text.
async fn says(text: &str, routes: Routes, request: fn() -> TestRequest) {
    let first = twice(routes, request).await;
    assert_eq!((first.status, &first.body[..]), (StatusCode::OK, text.as_bytes()));
}
