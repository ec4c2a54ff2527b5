//! The shop for a person with a browser: a page, its form with a token, and the redirect after it.
//!
//! A form cannot send a bearer credential, so everybody who opens the page becomes the account
//! `demo`, by a cookie that other sites' pages cannot use (`SameSite=Strict`).

use crate::account::{Account, COOKIE};
use crate::activity::Activity;
use crate::business::Business;
use crate::error::ShopError;
use crate::routes::orders::NewOrder;
use crate::simulate::Simulate;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header::{CACHE_CONTROL, LOCATION};
use actix_web::{Error, HttpResponse, Responder, get, post, web};
use idempotent_runtime::idempotent;
use idempotent_runtime::token::FormToken;
use serde::Deserialize;

const PAGE: &str = include_str!("../page.html");

/// The order that the page shall show.
#[derive(Debug, Deserialize)]
pub(crate) struct Shown {
    order: Option<String>,
    welcome: Option<String>,
}

/// The page with a new token in its form.
#[get("/")]
pub(crate) async fn page(
    account: Option<Account>,
    token: Option<FormToken>,
    shown: web::Query<Shown>,
    business: web::Data<Business>,
) -> Result<impl Responder, Error> {
    let (Some(Account(account)), Some(token)) = (account, token) else {
        return welcome(&shown);
    };
    let order = match &shown.order {
        Some(id) => business.order(&account, id).await.map_err(ShopError::from)?,
        None => None,
    };
    let notice = match order {
        Some(order) => {
            format!("Order {}: {} × {}", order.id, order.quantity, escaped(&order.sku))
        }
        None => String::new(),
    };
    let page = PAGE.replace("{token}", &token.field("formOrder").await?);
    Ok(HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        // Without this, the back button would show the page with the token that is used already.
        .insert_header((CACHE_CONTROL, "private, no-cache"))
        .body(page.replace("{notice}", &notice)))
}

/// Sets the cookie and sends the browser to the page again. A browser that keeps no cookies gets an error.
fn welcome(shown: &Shown) -> Result<HttpResponse, Error> {
    if shown.welcome.is_some() {
        return Err(ShopError::Unauthorized.into());
    }
    let cookie = Cookie::build(COOKIE, "demo").path("/").http_only(true);
    Ok(HttpResponse::SeeOther()
        .cookie(cookie.same_site(SameSite::Strict).finish())
        .insert_header((LOCATION, "/?welcome=1"))
        .finish())
}

/// The fields of the form, beside its token.
#[derive(Debug, Deserialize)]
pub(crate) struct OrderForm {
    sku: String,
    quantity: u32,
    #[serde(default)]
    delay_ms: u64,
}

/// Post, redirect, get: a form that is sent again gets the first redirect.
#[post("/form/order")]
#[idempotent(
    key = "{form.token}",
    strategy = "token",
    operation = "formOrder",
    on_in_flight = "wait",
    wait = "30s"
)]
pub(crate) async fn create_by_form(
    account: Account,
    fields: web::Form<OrderForm>,
    business: web::Data<Business>,
) -> Result<impl Responder, ShopError> {
    let OrderForm { sku, quantity, delay_ms } = fields.into_inner();
    let order = NewOrder { sku, quantity, simulate: Simulate::slow(delay_ms) };
    Ok(match order.place("formOrder", account, &business).await? {
        Err(failure) => failure,
        Ok(order) => HttpResponse::SeeOther()
            .insert_header((LOCATION, format!("/?order={}", order.id)))
            .finish(),
    })
}

/// The account's last requests to this process, and their outcomes.
#[get("/activity")]
pub(crate) async fn list_activity(
    account: Account,
    activity: web::Data<Activity>,
) -> Result<impl Responder, ShopError> {
    Ok(web::Json(activity.of(&account.0)).customize().insert_header((CACHE_CONTROL, "no-store")))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
