//! Functions that cannot answer in place of an insert: not async, of other parameters, and guarded.

use actix_web::{HttpResponse, web};
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

fn not_async(code: web::Json<u32>) -> HttpResponse {
    HttpResponse::Ok().json(code.0)
}

#[idempotent(strategy = "unique", existing = not_async)]
pub async fn first(code: web::Json<u32>) -> Result<HttpResponse, Failed> {
    Ok(HttpResponse::Created().json(code.0))
}

async fn of_another_type(code: web::Json<u64>) -> HttpResponse {
    HttpResponse::Ok().json(code.0)
}

#[idempotent(strategy = "unique", existing = of_another_type)]
pub async fn second(code: web::Json<u32>) -> Result<HttpResponse, Failed> {
    Ok(HttpResponse::Created().json(code.0))
}

#[idempotent]
async fn guarded(code: web::Json<u32>) -> HttpResponse {
    HttpResponse::Ok().json(code.0)
}

#[idempotent(strategy = "unique", existing = guarded)]
pub async fn third(code: web::Json<u32>) -> Result<HttpResponse, Failed> {
    Ok(HttpResponse::Created().json(code.0))
}

fn main() {}
