//! A macro that needs an `async fn` finds none below the attribute.

#![allow(unused)]

use actix_web::{HttpResponse, post};
use idempotent_runtime::idempotent;

#[idempotent]
#[protect("ADMIN")]
#[post("/orders")]
async fn create() -> HttpResponse {
    HttpResponse::Created().finish()
}

#[idempotent]
#[apistos::api_operation(summary = "Create an order")]
async fn describe() -> HttpResponse {
    HttpResponse::Created().finish()
}

fn main() {}
