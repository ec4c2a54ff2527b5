//! A parameter that cannot be extracted.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

pub struct Database;

#[idempotent]
async fn create(order: web::Json<u32>, database: Database) -> impl Responder {
    let _ = database;
    HttpResponse::Ok().json(order.0)
}

fn main() {}
