//! An answer in place of an insert that is not async.

#![allow(unused_imports, dead_code)]

use actix_web::{Error, HttpResponse, web};
use idempotent_runtime::idempotent;

#[derive(Debug)]
struct Failed;

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("failed")
    }
}

impl std::error::Error for Failed {}
impl actix_web::ResponseError for Failed {}

#[idempotent(strategy = "unique", existing = find)]
async fn insert(code: web::Json<u32>) -> Result<HttpResponse, Failed> {
    Ok(HttpResponse::Created().json(code.0))
}

fn find(code: web::Json<u32>) -> HttpResponse {
    HttpResponse::Ok().json(code.0)
}

fn main() {}
