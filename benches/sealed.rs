//! The cost of sealed records: guarded requests without a network, on a store in memory, so that nothing hides it.
//!
//! `cargo bench -p benches --bench sealed`

use actix_web::body::to_bytes;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::rt::System;
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::{App, Error, HttpResponse, post, web};
use benches::row;
use idempotent_runtime::seal::Keys;
use idempotent_runtime::{Idempotency, MemoryStore, Scope, idempotent};
use std::time::Instant;

/// The bodies of answers, in bytes, and the requests of a round.
const BODIES: [(usize, u32); 3] = [(512, 1_000), (16_384, 400), (1_048_576, 20)];

const ROUNDS: usize = 21;

#[post("/answers/{bytes}")]
#[idempotent]
async fn answer(bytes: web::Path<usize>) -> HttpResponse {
    HttpResponse::Created().body(vec![b'x'; *bytes])
}

fn main() {
    println!("| answers | unsealed per second | sealed per second | ratio | from – to |");
    println!("| --- | ---: | ---: | ---: | ---: |");
    for (bytes, requests) in BODIES {
        System::new().block_on(measured(bytes, requests));
    }
}

/// New requests and replays with answers of this size, sealed and unsealed in turns.
async fn measured(bytes: usize, requests: u32) {
    let (plain, sealed) = (app(None).await, app(Some(Keys::new("2026", [7; 32]))).await);
    let mut rates: [Vec<f64>; 4] = Default::default();
    // A first round to warm up, which does not count.
    for round in 0..=ROUNDS {
        let first = u32::try_from(round).expect("a few") * requests;
        let (new, again) = (|number| first + number, |_| first);
        let measured = [
            rate(&plain, bytes, requests, new).await,
            rate(&sealed, bytes, requests, new).await,
            rate(&plain, bytes, requests, again).await,
            rate(&sealed, bytes, requests, again).await,
        ];
        if round > 0 {
            for (rates, rate) in rates.iter_mut().zip(measured) {
                rates.push(rate);
            }
        }
    }
    let [plain_new, sealed_new, plain_again, sealed_again] = rates;
    row(&format!("new, {bytes} bytes"), plain_new, sealed_new);
    row(&format!("replayed, {bytes} bytes"), plain_again, sealed_again);
}

async fn app(
    keys: Option<Keys>,
) -> impl Service<actix_http::Request, Response = ServiceResponse, Error = Error> {
    let builder = Idempotency::builder(MemoryStore::new()).scope(Scope::shared());
    let builder = match keys {
        Some(keys) => builder.seal(keys),
        None => builder,
    };
    let idempotency = builder.build().expect("it fits together");
    init_service(App::new().app_data(idempotency).service(answer)).await
}

/// The number of requests for each second, one after the other.
async fn rate(
    app: &impl Service<actix_http::Request, Response = ServiceResponse, Error = Error>,
    bytes: usize,
    requests: u32,
    key_of: impl Fn(u32) -> u32,
) -> f64 {
    let path = format!("/answers/{bytes}");
    let began = Instant::now();
    for number in 0..requests {
        let key = format!("7f9c2ba4-e88f-4d4c-a7a5-{:012x}", key_of(number));
        let request = TestRequest::post().uri(&path).insert_header(("Idempotency-Key", key));
        let response = call_service(app, request.to_request()).await;
        let body = to_bytes(response.into_body()).await;
        assert_eq!(body.map_or(0, |body| body.len()), bytes);
    }
    f64::from(requests) / began.elapsed().as_secs_f64()
}
