//! The second function of an insert, which answers with the thing that is there already.

use crate::http::call::call::{Call, Exit};
use crate::http::call::run::GuardedRun;
use crate::http::call::steps::{Arguments, Extract};
use crate::http::guard;
use crate::http::request::body::refilled;
use crate::http::serve::handler::{CallHandler, Handler};
use actix_web::HttpResponse;

/// The insert met a unique index: the existing thing is the answer.
pub(super) async fn answered_in_place(
    existing: CallHandler,
    handler: &'static Handler,
    call: &mut Call,
) -> Result<HttpResponse, Exit> {
    let begins = take_back(call).await;
    let arguments = extract_again(call, handler.extract, begins).await?;
    Ok(existing(arguments, call).await.response())
}

/// The commit met a unique index, of a constraint that was deferred until then: nothing is left of the
/// transaction, and the existing thing is the answer.
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

/// Whether a second try needs a transaction of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Begins {
    Anew,
    Not,
}

/// An insert met a unique index: takes back what the handler did in its transaction, if it has one.
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

/// Extracts the arguments once more from the same body, and begins anew after that: an extractor that needs a
/// connection must not wait for one while the request holds another.
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
