//! After a mistake the handler still exists, so its callers draw no further errors.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[actix_web::post("/")]
#[idempotent(ttl = "soon")]
async fn create() -> impl Responder {
    HttpResponse::Ok()
}

pub fn routes(config: &mut web::ServiceConfig) {
    config.service(create);
}

fn main() {}
