//! What the shop answers.

mod accounts;
mod admin;
mod orders;
mod sms;
mod token;

use actix_web::web::ServiceConfig;

/// Every route.
pub(crate) fn all(config: &mut ServiceConfig) {
    config
        .service(token::get_token)
        .service(token::create)
        .service(orders::create_order)
        .service(orders::create_order_or_wait)
        .service(orders::list)
        .service(orders::show)
        .service(accounts::deposit)
        .service(accounts::transfer)
        .service(accounts::show)
        .service(sms::send)
        .service(sms::list)
        .service(admin::effects)
        .service(admin::revoke);
}
