//! Orders by a token that is fetched first and used up once: `strategy = "token"`.

use crate::account::Account;
use crate::business::Business;
use crate::error::ShopError;
use crate::routes::orders::NewOrder;
use actix_web::{Error, HttpResponse, Responder, get, post, web};
use idempotent_runtime::idempotent;
use idempotent_runtime::token::TokenIssuer;
use serde_json::json;

/// A token for one order.
#[get("/order/getToken")]
pub(crate) async fn get_token(_: Account, tokens: TokenIssuer) -> Result<impl Responder, Error> {
    let token = tokens.issue("createOrder").await?;
    Ok(HttpResponse::Ok()
        .insert_header(("Content-Type", "text/plain; charset=utf-8"))
        .insert_header(("Cache-Control", "no-store"))
        .body(token))
}

/// Makes an order with a token; the token's second use is rejected.
#[idempotent(
    key = "{header.token}",
    strategy = "token",
    operation = "createOrder",
    on_duplicate = "reject",
    message = "重复的请求 (duplicate request)"
)]
#[utoipa::path(operation_id = "create_order_by_token", responses((status = 200, description = "The order")))]
#[post("/order/create")]
pub(crate) async fn create(
    account: Account,
    order: web::Json<NewOrder>,
    business: web::Data<Business>,
) -> Result<impl Responder, ShopError> {
    Ok(match order.place("createOrder", account, &business).await? {
        Err(failure) => failure,
        Ok(placed) => {
            let answer = json!({"success": true, "msg": "Success", "orderId": placed.id});
            order.simulate.dress(HttpResponse::Ok(), "", &answer)
        }
    })
}
