//! The guard of a key in the store: a claim before the run, and the stored response or a release after it.

#![expect(clippy::result_large_err, reason = "a box for each exit would cost more than its moves")]

use crate::engine::{Admission, ClaimRequest, Completion, Execution, Remembering};
use crate::error::StoreError;
use crate::http::answer::keep::{KeepFor, Keeping, Kept, keep};
use crate::http::answer::refusal;
use crate::http::answer::stored_response::not_stored;
use crate::http::app::idempotency::Idempotency;
use crate::http::call::call::{Call, Exit};
use crate::http::call::course::RequestOutcome;
use crate::http::call::run::{GuardedRun, RunState};
use crate::http::guard::reply::{refused, replayed};
use crate::http::guard::streamed::{RunPlace, StreamedRun, send_on};
use crate::policy::{OnStoreError, Policy, Strategy};
use actix_web::HttpResponse;
use futures_util::FutureExt;
use futures_util::future::{Either, ready};
use std::time::Duration;

/// Claims the key.
pub(super) async fn begin(call: &Call, request: &ClaimRequest) -> Result<(), Exit> {
    let remembering = match call.policy.strategy {
        Strategy::RequestId | Strategy::Token => Remembering::Wanted,
        _ => Remembering::Unwanted,
    };
    // Two small futures are cheaper to allocate than one that is too large for the allocator's fast lists.
    let admission = Box::pin(call.app.engine().begin_with(request, remembering)).await;
    admitted(call, admission)
}

/// Notes the run that was admitted, or exits with the client's answer.
pub(super) fn admitted(call: &Call, admission: Result<Admission, StoreError>) -> Result<(), Exit> {
    match admission {
        Ok(Admission::Run(run)) => {
            call.state.must_finish.set(true);
            call.state.attempt.set(run.attempt());
            call.state.course.runs(RequestOutcome::Ran, run.attempt());
            call.state.run.replace(Some(GuardedRun::Leased(run)));
            Ok(())
        }
        Ok(Admission::Replay(stored)) => Err(replayed(call, *stored)),
        Ok(Admission::Refused(refusal)) => Err(refused(call, refusal)),
        Err(error) if may_run_without(call.policy, &error) => {
            call.state.must_finish.set(true);
            call.app.engine().counters().unguarded.count();
            call.state.course.runs(RequestOutcome::Unguarded, 0);
            refusal::runs_unguarded(&call.request, &error);
            Ok(())
        }
        Err(error) => Err(call.exit(&refusal::store_failed(&call.request, &error))),
    }
}

/// Whether the handler may run although the store failed. It may not if a record cannot be read, since that
/// shows an earlier request, which must not run again.
fn may_run_without(policy: &Policy, error: &StoreError) -> bool {
    policy.on_store_error == OnStoreError::Run && !error.is_corrupt()
}

/// Ends a run with the response of its handler, before the response is sent. If the body has to be read, only
/// the end of the body is held back until then.
///
/// All steps that need no waiting happen before the future begins, and rare paths are boxed, so that the
/// future stays small: every request moves it.
pub(super) fn finish(
    policy: &'static Policy,
    app: &Idempotency,
    state: &RunState,
    run: Execution,
    response: HttpResponse,
) -> impl Future<Output = HttpResponse> + use<> {
    let (ttl, lease) = (app.settings().ttl(policy), run.lease());
    match keep(policy, app.max_body(policy), KeepFor::Retries, response) {
        Keeping::Decided(response, Kept::Nothing) => {
            Either::Left(release(run, response).boxed_local())
        }
        Keeping::Decided(response, kept) => Either::Right(store(run, response, kept, ttl)),
        Keeping::Unread(body) => {
            let place = RunPlace::of(app, state);
            let run = StreamedRun::new(run, policy, ttl);
            let response = send_on(body, place, lease, |copied| run.end(copied));
            Either::Left(ready(response).boxed_local())
        }
    }
}

fn store(
    run: Execution,
    response: HttpResponse,
    kept: Kept,
    ttl: Duration,
) -> impl Future<Output = HttpResponse> {
    let is_whole = kept != Kept::Tombstone;
    run.complete(kept.outcome(), ttl).map(move |stored| match stored {
        Completion::Yes if is_whole => response,
        Completion::Yes | Completion::No => not_stored(response),
    })
}

async fn release(run: Execution, response: HttpResponse) -> HttpResponse {
    run.release().await;
    response
}
