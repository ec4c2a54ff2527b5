//! A handler that is safe to retry: `cargo run --example quickstart`, then send one request twice, the
//! second time with a token that was refreshed meanwhile, `alice.2`:
//!
//! ```text
//! curl -i http://127.0.0.1:8080/orders -H 'Authorization: Bearer alice.1' \
//!      -H 'Idempotency-Key: order-1' --json '{"sku":"book","quantity":1}'
//! ```

use actix_web::dev::{Service, ServiceRequest};
use actix_web::{App, HttpMessage, HttpResponse, HttpServer, Responder, post, web};
use idempotent_runtime::{Idempotency, Scope, ScopeId, idempotent};
use std::fmt::Display;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(serde::Deserialize, serde::Serialize)]
struct Order {
    sku: String,
    quantity: u32,
}

/// However often a client sends it: one order, and the same answer.
#[post("/orders")]
#[idempotent(key = "{header.Idempotency-Key}", ttl = "24h")]
async fn create_order(order: web::Json<Order>, orders: web::Data<AtomicU64>) -> impl Responder {
    let id = orders.fetch_add(1, Ordering::Relaxed) + 1;
    HttpResponse::Created().insert_header(("Location", format!("/orders/{id}"))).json(order)
}

/// Who the caller is: the same customer, whatever token is shown today.
struct Customer(String);

impl ScopeId for Customer {
    fn scope_id(&self) -> impl Display {
        &self.0
    }
}

/// Your authentication stands here, and checks the token.
fn authenticate(request: &ServiceRequest) -> Option<Customer> {
    let token = request.headers().get("Authorization")?.to_str().ok()?;
    Some(Customer(token.strip_prefix("Bearer ")?.split('.').next()?.to_owned()))
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let builder = Idempotency::connect("sqlite:quickstart.db").await?;
    let idempotency = builder.scope(Scope::of::<Customer>()).build()?;
    let orders = web::Data::new(AtomicU64::new(0));
    let app = move || {
        let app = App::new().app_data(idempotency.clone()).app_data(orders.clone());
        app.service(create_order).wrap_fn(|request, next| {
            if let Some(customer) = authenticate(&request) {
                request.extensions_mut().insert(customer);
            }
            next.call(request)
        })
    };
    Ok(HttpServer::new(app).bind(("127.0.0.1", 8080))?.run().await?)
}
