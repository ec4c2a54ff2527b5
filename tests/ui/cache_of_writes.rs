//! `cache` on routes that write.

#![allow(unused)]

use actix_web::{HttpResponse, Responder, get, post, put, route, web};
use idempotent_runtime::transaction::Tx;
use idempotent_runtime::{States, idempotent};

#[idempotent(strategy = "cache", ttl = "1m")]
#[post("/things")]
async fn create() -> impl Responder {
    HttpResponse::Ok()
}

#[idempotent(strategy = "cache", ttl = "1m")]
#[route("/things", method = "GET", method = "PATCH")]
async fn both() -> impl Responder {
    HttpResponse::Ok()
}

#[idempotent(strategy = "cache", ttl = "1m")]
#[actix_web::delete("/things", name = "things")]
async fn delete() -> impl Responder {
    HttpResponse::Ok()
}

#[idempotent(strategy = "cache", ttl = "1m")]
#[get("/things")]
async fn read() -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
