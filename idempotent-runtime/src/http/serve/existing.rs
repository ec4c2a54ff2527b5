//! Calls the second function of an insert, which answers if the row exists already.

use crate::http::call::call::{Call, Exit};
use crate::http::call::run::GuardedRun;
use crate::http::call::steps::{Arguments, Extract};
use crate::http::guard;
use crate::http::request::body::refilled;
use crate::http::serve::handler::{CallHandler, Handler};
use actix_web::HttpResponse;

/// The handler's insert met a unique index, so the second function answers with the existing row.
pub(super) async fn answered_in_place(
    existing: CallHandler,
    handler: &'static Handler,
    call: &mut Call,
) -> Result<HttpResponse, Exit> {
    let begins = take_back(call).await;
    let arguments = extract_again(call, handler.extract, begins).await?;
    Ok(existing(arguments, call).await.response())
}

/// The commit met a unique index whose check was deferred until then. Nothing of the transaction is kept, and
/// the second function answers with the existing row.
pub(super) async fn answered_after_commit(
    existing: CallHandler,
    handler: &'static Handler,
    mut call: Call,
) -> Result<HttpResponse, Exit> {
    call.state.must_finish.set(false);
    let arguments = extract_again(&mut call, handler.extract, Begins::Anew).await?;
    let response = existing(arguments, &call).await.response();
    Ok(guard::end(call.policy, &call.app, &call.state, &call.request, response).await)
}

/// Whether the second function needs a new transaction.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Begins {
    Anew,
    Not,
}

/// Rolls back the handler's transaction, if it has one, after an insert met a unique index.
async fn take_back(call: &Call) -> Begins {
    let run = call.state.take_run();
    if let Some(GuardedRun::Transaction(run)) = run {
        run.roll_back().await;
        call.state.must_finish.set(false);
        return Begins::Anew;
    }
    call.state.run.replace(run);
    Begins::Not
}

/// Extracts the arguments once more from the same body, and then opens a new transaction if one is needed. In
/// this order, since an extractor that needs a connection must not wait for one while the request holds another.
async fn extract_again(
    call: &mut Call,
    extract: Extract,
    begins: Begins,
) -> Result<Arguments, Exit> {
    call.payload = refilled(call.body.sent.clone());
    let arguments = extract(&call.request, &mut call.payload).await.map_err(Exit::Refused)?;
    if begins == Begins::Anew {
        guard::claim(call).await?;
    }
    Ok(arguments)
}
