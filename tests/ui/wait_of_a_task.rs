//! Arguments about duplicates on a task: each duplicate gets the same task.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[idempotent(strategy = "async", on_in_flight = "wait", scope = "shared")]
async fn report(order: web::Json<u32>) -> impl Responder {
    HttpResponse::Ok().json(order.0)
}

fn main() {}
