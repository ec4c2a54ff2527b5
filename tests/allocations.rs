//! The number of allocations of a request's guard, without those of its handler, and the memory that a record takes
//! in a store in memory.
//!
//! Each number may only fall. A larger one means a new copy, box or Tokio task in each request.

use actix_web::http::header::AUTHORIZATION;
use actix_web::rt::System;
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::{App, HttpResponse, Responder, post, web};
use allocation_counter::measure;
use idempotent_runtime::key::{Address, Fingerprint, Guard, KeyParts, Namespace, StorageKey};
use idempotent_runtime::outcome::{Outcome, StoredResponse};
use idempotent_runtime::seal::Keys;
use idempotent_runtime::store::record::{Origin, Record, State};
use idempotent_runtime::store::{Label, Store};
use idempotent_runtime::{Idempotency, MemoryStore, Scope, idempotent};
use metrics_exporter_prometheus::PrometheusBuilder;
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Deserialize, Serialize)]
struct Order {
    sku: String,
    quantity: u32,
}

#[post("/bare")]
async fn bare(order: web::Json<Order>) -> impl Responder {
    HttpResponse::Created().json(order)
}

#[post("/guarded")]
#[idempotent]
async fn guarded(order: web::Json<Order>) -> impl Responder {
    HttpResponse::Created().json(order)
}

/// The fewest allocations of one of these requests: growing a table does not belong to a request.
fn pieces(path: &str, keys: Option<Keys>, key_of: impl Fn(u32) -> u32) -> u64 {
    let system = System::new();
    let app = system.block_on(async {
        let builder =
            Idempotency::builder(MemoryStore::new()).scope(Scope::header("Authorization"));
        let builder = match keys {
            Some(keys) => builder.seal(keys),
            None => builder,
        };
        let idempotency = builder.build().expect("defaults fit");
        init_service(App::new().app_data(idempotency).service(bare).service(guarded)).await
    });
    let each = (0..64).map(|number| {
        let order = Order { sku: "tea".into(), quantity: 2 };
        let key = format!("7f9c2ba4-e88f-4d4c-a7a5-{:012x}", key_of(number));
        let request = TestRequest::post()
            .uri(path)
            .insert_header((AUTHORIZATION, "Bearer alice"))
            .insert_header(("Idempotency-Key", key))
            .set_json(order)
            .to_request();
        let mut status = 0;
        let pieces = measure(|| {
            let response = system.block_on(call_service(&app, request));
            status = response.status().as_u16();
        });
        assert_eq!(status, 201);
        pieces.count_total
    });
    each.min().unwrap_or_default()
}

/// The fewest allocations of a new request and of a replay, less those of the bare handler.
fn beside_the_handler(keys: impl Fn() -> Option<Keys>) -> (u64, u64) {
    let handler = pieces("/bare", None, |number| number);
    let new = pieces("/guarded", keys(), |number| number);
    let replay = pieces("/guarded", keys(), |_| 0);
    (new - handler, replay - handler)
}

#[test]
fn a_guard_asks_for_no_more_memory_than_it_did() {
    assert_eq!(beside_the_handler(|| None), (24, 13));
    // A new request allocates the sealed content and a box for it, a replay the opened content.
    let sealed = beside_the_handler(|| Some(Keys::new("2026", [7; 32])));
    assert_eq!(sealed, (24 + 2, 13 + 2));
}

#[test]
fn a_guard_that_is_measured_asks_for_no_more_memory() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let told = recorder.handle();
    let measured = metrics::with_local_recorder(&recorder, || beside_the_handler(|| None));
    assert_eq!(measured, (24, 13));
    // The recorder counted each request: 64 new ones, and one more with 63 replays.
    let told = told.render();
    for (outcome, count) in [("ran", 65), ("replayed", 63)] {
        let line = format!(r#"outcome="{outcome}"}} {count}"#);
        assert!(told.lines().any(|told| told.ends_with(&line)), "{line} in {told}");
    }
}

/// There are so many records that the tables of the store are nearly full; usually they are half full.
const RECORDS: u32 = 64 * 1_750;

#[test]
fn a_record_of_forty_bytes_takes_no_more_memory_than_it_did() {
    let store = MemoryStore::new();
    let value = |number: u32| {
        let key = StorageKey::of(&Address {
            namespace: &Namespace::default(),
            guard: Guard::Handler,
            scope: &KeyParts::new(),
            route: Some(("POST", "/orders")),
            operation: None,
            key: &KeyParts::new().value(&number.to_string()),
        });
        let headers = vec![("content-type".into(), "application/json".into())];
        let response =
            StoredResponse { status: 201, headers, body: vec![b'x'; 40].into(), is_cut: false };
        let record = Record {
            attempt: 1,
            origin: Origin::default(),
            fingerprint: Fingerprint::NONE,
            label: Label::new(
                Guard::Handler,
                "POST /orders",
                "7f9c2ba4-e88f-4d4c-a7a5-000000000001",
            ),
            state: State::Completed(Outcome::Response(response)),
        };
        (key, record.encode(&key))
    };
    let records: Vec<_> = (0..RECORDS).map(value).collect();
    assert_eq!(records[0].1.len(), 114, "the record alone");
    let system = System::new();
    let memory = measure(|| {
        for (key, value) in &records {
            let put = system.block_on(store.create(key, value, Duration::from_hours(1)));
            assert_eq!(put.expect("memory answers"), None);
        }
    });
    let each = memory.bytes_current.unsigned_abs() / u64::from(RECORDS);
    assert!(each <= 250, "{each} bytes");
}
