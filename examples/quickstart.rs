//! A handler that is safe to retry: `cargo run --example quickstart`, then send one request twice:
//!
//! ```text
//! curl -i http://127.0.0.1:8080/orders -H 'Authorization: Bearer alice' \
//!      -H 'Idempotency-Key: order-1' --json '{"sku":"book","quantity":1}'
//! ```

use actix_web::{App, HttpResponse, HttpServer, Responder, post, web};
use idempotent_runtime::{Idempotency, Scope, idempotent};
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Deserialize)]
struct NewOrder {
    sku: String,
    quantity: u32,
}

#[derive(Serialize)]
struct Order {
    id: u64,
    sku: String,
    quantity: u32,
}

/// However often a client sends it: one order, and the same answer.
#[post("/orders")]
#[idempotent(key = "{header.Idempotency-Key}", ttl = "24h")]
async fn create_order(order: web::Json<NewOrder>, orders: web::Data<AtomicU64>) -> impl Responder {
    let id = orders.fetch_add(1, Ordering::Relaxed) + 1;
    let NewOrder { sku, quantity } = order.into_inner();
    HttpResponse::Created().json(Order { id, sku, quantity })
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let idempotency = Idempotency::connect("sqlite:quickstart.db")
        .await?
        .scope(Scope::header("Authorization"))
        .build()?;
    let orders = web::Data::new(AtomicU64::new(0));
    HttpServer::new(move || {
        App::new().app_data(idempotency.clone()).app_data(orders.clone()).service(create_order)
    })
    .bind(("127.0.0.1", 8080))?
    .run()
    .await?;
    Ok(())
}
