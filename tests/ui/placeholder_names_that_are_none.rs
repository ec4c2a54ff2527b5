//! Expressions and other text in place of the name of a part of the request.

#![allow(unused)]

use actix_web::{HttpResponse, Responder, web};
use idempotent_runtime::transaction::Tx;
use idempotent_runtime::idempotent;

#[idempotent(key = "{path.id.to_lowercase()}{query.ids[0]}{cookie.a b}{form.a&b}{path.a-b}")]
async fn create() -> impl Responder {
    HttpResponse::Ok()
}

#[idempotent(key = "{form.order[sku]}{query.tags[]}{query.user.name}{cookie.__Host-sid}")]
async fn these_are_names() -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
