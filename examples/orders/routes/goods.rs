//! Goods whose changes are never overwritten unseen: `strategy = "version"`.

use crate::account::Account;
use crate::business::{Business, ShopTx, count, goods};
use crate::error::ShopError;
use actix_web::http::header::ETAG;
use actix_web::{HttpResponse, Responder, get, post, put, web};
use idempotent_runtime::idempotent;
use serde::Deserialize;
use utoipa::ToSchema;

/// The number of pieces in stock.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(crate) struct Stock {
    #[serde(default)]
    count: i64,
}

/// Adds new goods, at version 0.
#[post("/goods/{id}")]
pub(crate) async fn add(
    _: Account,
    id: web::Path<String>,
    stock: Option<web::Json<Stock>>,
    business: web::Data<Business>,
) -> Result<impl Responder, ShopError> {
    let count = stock.map_or(0, |stock| stock.count);
    let mut acquired = business.acquire().await?;
    goods::insert(acquired.connection(), &id, count).await?;
    let goods = goods::find(acquired.connection(), &id).await?;
    let goods = goods.ok_or(ShopError::NotFound("goods"))?;
    Ok(tagged(HttpResponse::Created(), &goods))
}

/// Changes the count, if nobody changed it since the caller looked: `If-Match` names the version.
#[idempotent(strategy = "version", table = "goods", id = "{path.id}")]
#[utoipa::path(operation_id = "update_goods", responses((status = 200, description = "The goods at their new version")))]
#[put("/goods/{id}")]
pub(crate) async fn update(
    _: Account,
    id: web::Path<String>,
    stock: web::Json<Stock>,
    mut tx: ShopTx,
) -> Result<impl Responder, ShopError> {
    count(tx.connection(), "update_goods").await?;
    goods::set_count(tx.connection(), &id, stock.count).await?;
    let goods = goods::find(tx.connection(), &id).await?.ok_or(ShopError::NotFound("goods"))?;
    Ok(tagged(HttpResponse::Ok(), &goods))
}

/// The goods, with their version.
#[get("/goods/{id}")]
pub(crate) async fn show(
    _: Account,
    id: web::Path<String>,
    business: web::Data<Business>,
) -> Result<impl Responder, ShopError> {
    let goods = goods::find(business.acquire().await?.connection(), &id).await?;
    Ok(tagged(HttpResponse::Ok(), &goods.ok_or(ShopError::NotFound("goods"))?))
}

fn tagged(mut response: actix_web::HttpResponseBuilder, goods: &goods::Goods) -> HttpResponse {
    response.insert_header((ETAG, format!("\"{}\"", goods.version))).json(goods)
}
