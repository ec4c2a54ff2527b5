//! The business transaction as a parameter of a handler.

use crate::http::app::idempotency::Idempotency;
use crate::http::app::refused::{misconfigured, unguarded};
use crate::http::call::run::RunState;
use crate::transaction::Tx;
use actix_web::dev::Payload;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest};
use sqlx::Database;
use std::any::TypeId;
use std::future::{Ready, ready};
use std::rc::Rc;

impl<DB: Database> FromRequest for Tx<DB> {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let Some(state) = request.extensions().get::<Rc<RunState>>().cloned() else {
            return ready(Err(unguarded(request, "Tx")));
        };
        let database = request.app_data::<Idempotency>().and_then(Idempotency::database);
        ready(match database.map(|database| (database.kind(), database.describe())) {
            Some((kind, _)) if kind == TypeId::of::<DB>() => {
                state.takes_transaction.set(true);
                Ok(Self::of(state.tx_slot().clone()))
            }
            Some((_, other)) => {
                let wanted = DB::NAME;
                let why =
                    format!("a handler takes `Tx` of {wanted}, but the app's database is {other}");
                Err(misconfigured(request, &why))
            }
            None => {
                let why = "a handler takes `Tx`, but the app has no `.database(pool)`";
                Err(misconfigured(request, why))
            }
        })
    }
}
