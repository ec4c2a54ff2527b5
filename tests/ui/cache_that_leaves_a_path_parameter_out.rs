//! A key that does not read a path parameter: all users would get one answer.

#![allow(unused_imports, dead_code)]

use actix_web::{HttpResponse, Responder, get, route, web};
use idempotent_runtime::idempotent;

#[idempotent(strategy = "cache", key = "{query.view}", ttl = "30s")]
#[get("/users/{id}")]
async fn user() -> impl Responder {
    HttpResponse::Ok()
}

#[derive(serde::Deserialize)]
struct View {
    name: String,
}

// An expression on the query reads nothing of the path.
#[idempotent(strategy = "cache", key = "{view.name}{path.shop}", ttl = "30s")]
#[route("/shops/{shop:[a-z]{3}}/orders/{order}/{tail}*", method = "GET", method = "HEAD")]
async fn order(view: web::Query<View>) -> impl Responder {
    drop(view);
    HttpResponse::Ok()
}

// An expression may read it, and a named operation may leave it out.
#[idempotent(strategy = "cache", key = "{id}", ttl = "30s")]
#[get("/things/{id}")]
async fn thing(id: web::Path<String>) -> impl Responder {
    id.into_inner()
}

#[idempotent(strategy = "cache", key = "{query.view}", operation = "page", ttl = "30s")]
#[get("/pages/{id}")]
async fn page() -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
