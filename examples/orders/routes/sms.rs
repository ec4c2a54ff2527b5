//! Messages to a phone, one after the other: `strategy = "lock"`.

use crate::account::Account;
use crate::business::{Business, Mark};
use crate::error::ShopError;
use crate::simulate::Simulate;
use actix_web::{HttpResponse, Responder, get, post, web};
use idempotent_runtime::extract::Attempt;
use idempotent_runtime::idempotent;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

/// A message to send.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Message {
    text: String,
    #[serde(default)]
    simulate: Simulate,
}

/// Sends a message. Two messages to one phone never overlap.
#[idempotent(strategy = "lock", key = "sms:{path.phone}", wait = "10s")]
#[utoipa::path(operation_id = "send_sms", responses((status = 200, description = "It is sent")))]
#[post("/sms/{phone}")]
pub(crate) async fn send(
    _: Account,
    phone: web::Path<String>,
    message: web::Json<Message>,
    fence: Attempt,
    business: web::Data<Business>,
) -> Result<impl Responder, ShopError> {
    business.count("send_sms").await?;
    let number = fence.number().cast_signed();
    let mark = |event| Mark { event, text: message.text.clone(), fence: number };
    business.mark(&phone, &mark("begin".to_owned())).await?;
    let failure = message.simulate.suffer().await;
    business.mark(&phone, &mark("end".to_owned())).await?;
    let sent = json!({"phone": *phone, "text": message.text, "fence": fence.number()});
    Ok(match failure {
        Some(failure) => failure,
        None => message.simulate.dress(HttpResponse::Ok(), "", &sent),
    })
}

/// The beginning and the end of each message to a phone, in the order in which they happened.
#[get("/sms/{phone}")]
pub(crate) async fn list(
    _: Account,
    phone: web::Path<String>,
    business: web::Data<Business>,
) -> Result<impl Responder, ShopError> {
    Ok(web::Json(business.marks(&phone).await?))
}
