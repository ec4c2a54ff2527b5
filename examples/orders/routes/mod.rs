//! The routes of the shop.

mod accounts;
mod admin;
mod document;
mod goods;
mod orders;
mod page;
mod purchase_orders;
mod reports;
mod sms;
mod token;
mod users;

use crate::account;
use actix_web::middleware::from_fn;
use actix_web::web::ServiceConfig;
use idempotent_runtime::health::health_route;
use idempotent_runtime::task::task_routes;
use idempotent_runtime::token::browser_script;

/// Every route.
pub(crate) fn all(config: &mut ServiceConfig) {
    config
        .service(page::page)
        .service(page::create_by_form)
        .service(page::list_activity)
        .route("/idempotent.js", browser_script())
        .route("/health", health_route())
        .service(document::document)
        .service(document::page)
        .service(token::get_token)
        .service(token::create)
        .service(orders::create_order)
        .service(orders::create_order_or_wait)
        .service(orders::list)
        .service(orders::show)
        .service(accounts::deposit)
        .service(accounts::transfer)
        .service(accounts::show)
        .service(accounts::withdraw)
        .service(goods::add)
        .service(goods::update)
        .service(goods::show)
        .service(purchase_orders::create)
        .service(purchase_orders::pay)
        .service(purchase_orders::complete)
        .service(purchase_orders::cancel)
        .service(purchase_orders::show)
        .service(reports::create)
        .service(reports::create_once)
        .service(task_routes("/tasks").wrap(from_fn(account::checked)))
        .service(sms::send)
        .service(sms::list)
        .service(users::show)
        .service(users::rename)
        .service(admin::effects)
        .service(admin::revoke);
}
