//! A credential does not go into the store with a task.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::idempotent;

#[idempotent(strategy = "async", task_headers = "X-Kind, Cookie")]
async fn create() -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
