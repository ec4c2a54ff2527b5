//! The end of a run: its response is stored, or its key given back, before anything is sent.

use crate::engine::{Completion, Execution};
use crate::http::app::Idempotency;
use crate::http::cached;
use crate::http::commit::commit;
use crate::http::response::{StoreResponse, Taken, Taking, not_stored};
use crate::http::serving::{Run, Shared};
use crate::http::task;
use crate::outcome::Outcome;
use crate::policy::{OnDuplicate, Policy, Strategy};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::FutureExt;
use futures_util::future::{Either, LocalBoxFuture, ready};
use std::time::Duration;

/// Ends the run of a request, if there is one, with its response.
pub(super) fn end(
    policy: &'static Policy,
    app: &Idempotency,
    shared: &Shared,
    request: &HttpRequest,
    response: HttpResponse,
) -> impl Future<Output = HttpResponse> + use<> {
    match shared.take_run() {
        Some(Run::Leased(run)) => Either::Left(settle(policy, app, run, response)),
        Some(Run::Transaction(run)) => {
            let (app, request) = (app.clone(), request.clone());
            let committed = commit(policy, app, request, run, response);
            Either::Right(Either::Left(committed.boxed_local()))
        }
        Some(Run::Computing(run)) => {
            let (app, request) = (app.clone(), request.clone());
            let kept = cached::keep(policy, app, request, *run, response);
            Either::Right(Either::Left(kept.boxed_local()))
        }
        // It was to be guarded, and the store did not answer.
        None if shared.committed.get() => Either::Right(Either::Right(ready(not_stored(response)))),
        // It had no key and needed none.
        None => Either::Right(Either::Right(ready(response))),
    }
}

/// Ends a run with the response of its handler.
///
/// All that needs no waiting happens before the future, and what is rare is boxed, so that the
/// future is small: every request moves it.
fn settle(
    policy: &'static Policy,
    app: &Idempotency,
    run: Execution,
    response: HttpResponse,
) -> impl Future<Output = HttpResponse> + use<> {
    if policy.strategy == Strategy::Async {
        return Either::Left(task::end(policy, app.clone(), run, response).boxed_local());
    }
    let ttl = app.settings().ttl(policy);
    if !is_stored(policy, &response) {
        return Either::Left(Box::pin(release(run, response)) as LocalBoxFuture<'static, _>);
    }
    if policy.on_duplicate == OnDuplicate::Reject {
        // Nobody will ever get it again, nor expects to.
        return Either::Right(store(run, response, Outcome::Tombstone, Promised::Yes, ttl));
    }
    let taking = Taking { headers: [policy.headers, &[]], longest: app.max_body(policy) };
    let (response, taken) = taking.at_once(response);
    let (outcome, promised) = match taken {
        Taken::Copy(copy) => (Outcome::Response(copy), Promised::Yes),
        Taken::Nothing => (Outcome::Tombstone, Promised::No),
        Taken::Unread => return Either::Left(Box::pin(read(run, response, taking, ttl))),
    };
    Either::Right(store(run, response, outcome, promised, ttl))
}

/// Whether a retry will get what the client expects it to get.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Promised {
    Yes,
    No,
}

fn store(
    run: Execution,
    response: HttpResponse,
    outcome: Outcome,
    promised: Promised,
    ttl: Duration,
) -> impl Future<Output = HttpResponse> {
    run.complete(outcome, ttl).map(move |stored| match (stored, promised) {
        (Completion::Yes, Promised::Yes) => response,
        _ => not_stored(response),
    })
}

async fn release(run: Execution, response: HttpResponse) -> HttpResponse {
    run.release().await;
    response
}

async fn read(
    run: Execution,
    response: HttpResponse,
    taking: Taking,
    ttl: Duration,
) -> HttpResponse {
    let (response, copy) = taking.reading(response).await;
    match copy {
        Some(copy) => store(run, response, Outcome::Response(copy), Promised::Yes, ttl).await,
        None => store(run, response, Outcome::Tombstone, Promised::No, ttl).await,
    }
}

/// The handler's own choice, or the policy's by status.
pub(super) fn is_stored(policy: &Policy, response: &HttpResponse) -> bool {
    match (policy.strategy, response.extensions().get::<StoreResponse>()) {
        (Strategy::Lock, _) => false,
        (_, Some(choice)) => *choice == StoreResponse::Yes,
        (_, None) => policy.statuses.contain(response.status().as_u16()),
    }
}
