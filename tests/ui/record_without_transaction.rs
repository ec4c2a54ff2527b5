//! A record in the business transaction, of a handler that does not take it.

#![allow(unused)]

use actix_web::{HttpResponse, Responder, get, post, put, route, web};
use idempotent_runtime::transaction::Tx;
use idempotent_runtime::{States, idempotent};

#[idempotent(strategy = "dedup_table")]
async fn nothing() -> impl Responder {
    HttpResponse::Ok()
}

#[idempotent(strategy = "dedup_table")]
async fn by_the_pool(
    order: web::Json<u32>,
    pool: web::Data<sqlx::SqlitePool>,
    both: (web::Path<u32>, Option<web::Query<u32>>),
) -> impl Responder {
    HttpResponse::Ok()
}

/// A `Tx` of an app's own, by its mark.
struct Own;
impl actix_web::FromRequest for Own {
    type Error = actix_web::Error;
    type Future = std::future::Ready<Result<Self, Self::Error>>;
    fn from_request(_: &actix_web::HttpRequest, _: &mut actix_web::dev::Payload) -> Self::Future {
        std::future::ready(Ok(Own))
    }
}

#[idempotent(strategy = "dedup_table")]
async fn by_another(#[tx(false)] own: Own) -> impl Responder {
    HttpResponse::Ok()
}

fn main() {}
