//! The guards of a run: each file tells how one guard claims and ends. This file chooses between them.
//!
//! Files import downwards: `cache`, `task`, `lease`, `transaction`; `cache_requests`, `reply`, `streamed`,
//! `unrecorded`.

#![expect(clippy::result_large_err, reason = "a box for each exit would cost more than its moves")]

mod cache;
mod cache_requests;
mod lease;
mod reply;
mod streamed;
pub(super) mod task;
pub(super) mod transaction;
mod unrecorded;

use crate::engine::RecordPlace;
use crate::http::answer::own_refusal::never_stored;
use crate::http::answer::problem::ProblemKind;
use crate::http::answer::refusal;
use crate::http::answer::stored_response::not_stored;
use crate::http::app::idempotency::Idempotency;
use crate::http::call::call::{Call, Exit};
use crate::http::call::claim_request::claim_request;
use crate::http::call::client::Client;
use crate::http::call::course::RequestOutcome;
use crate::http::call::run::{GuardedRun, RunState};
use crate::http::guard::streamed::RunPlace;
use crate::http::guard::unrecorded::{is_unrecorded, let_through};
use crate::key::Guard;
use crate::observe::Stopwatch;
use crate::policy::{GuardPlace, Identity, Keeps, KeyRequirement, OnAbandoned, Policy};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::FutureExt;
use futures_util::future::{Either, ready};

/// Claims the key, so that the handler may run, or exits with the client's answer.
pub(super) async fn claim(call: &mut Call) -> Result<(), Exit> {
    let asked = Stopwatch::start();
    let claimed = claim_in_its_place(call).await;
    call.state.course.admitted(asked);
    claimed
}

async fn claim_in_its_place(call: &mut Call) -> Result<(), Exit> {
    check_definition(call)?;
    let traits = call.policy.strategy.traits();
    // Only the futures of leases are small, and most handlers have only a lease.
    match traits.guard {
        GuardPlace::Task => {
            take_over(&call.state).await;
            return Box::pin(task::accept(call)).await;
        }
        GuardPlace::Cache if !cache::is_read(&call.request) => {
            let why = "the handler's strategy is `cache`, which is for GET and HEAD";
            return Err(call.misconfigured(why));
        }
        GuardPlace::Cache => {
            if !is_unrecorded(call) {
                take_over(&call.state).await;
            }
            call.state.course.note(RequestOutcome::NotKept);
            return Box::pin(cache::read(call)).await;
        }
        GuardPlace::Lease | GuardPlace::Transaction | GuardPlace::Insert => {}
    }
    let request = claim_request(call).await?;
    if let Some(request) = &request {
        call.state.course.has_key(&request.claim.key);
    }
    if let Some(request) = &request
        && traits.keeps == Keeps::Outcome
    {
        call.state.record.set(Some(request.claim.key));
        if !is_unrecorded(call) {
            take_over(&call.state).await;
        }
    }
    // A lock, a row and a guard without a key keep no outcome, so the guards around them keep theirs.
    if is_transactional(call)? {
        check_runs(call)?;
        let request = match request {
            Some(_) if is_unrecorded(call) => {
                let_through(call);
                None
            }
            request => request,
        };
        return Box::pin(transaction::open(call, request)).await;
    }
    match &request {
        Some(_) if is_unrecorded(call) => {
            check_runs(call)?;
            call.state.must_finish.set(true);
            let_through(call);
            Ok(())
        }
        Some(request) => {
            check_runs(call)?;
            lease::begin(call, request).await
        }
        None => Ok(()),
    }
}

/// Refuses a handler if its records would belong to another handler.
fn check_definition(call: &Call) -> Result<(), Exit> {
    let policy = call.policy;
    let traits = policy.strategy.traits();
    let is_read = traits.guard == GuardPlace::Cache;
    let keeps_nothing = policy.key_requirement == KeyRequirement::Unkeyed && !is_read;
    // The name of a lock is global on purpose, and a middleware guards every handler inside.
    if keeps_nothing || traits.identity == Identity::Name || call.guard.is_middleware() {
        return Ok(());
    }
    let guard = match traits.identity {
        Identity::Token => Guard::Token,
        _ if is_read => Guard::Cache,
        _ => call.guard,
    };
    // Without a route there is only the default handler. Paths are not remembered, since outsiders can invent them.
    let Some(found_by) = policy.operation.or_else(|| call.pattern()) else { return Ok(()) };
    let method = match policy.operation {
        None if !is_read => Some(call.request.method().as_str()),
        Some(_) | None => None,
    };
    let place = RecordPlace { guard, method, found_by };
    call.app.engine().definitions().claim(place, policy).map_err(|taken| {
        tracing::error!(
            operation = found_by,
            refused = %policy.definition,
            first = %taken.by,
            "two handlers have one operation; give each its own `operation`, or set \
             `shared_operation = true` in both",
        );
        let why =
            "another handler has the same operation; give each of the two its own `operation`";
        call.misconfigured(why)
    })
}

/// Refuses a claim while the most runs that are allowed go on without their clients.
fn check_runs(call: &Call) -> Result<(), Exit> {
    if call.app.clientless().are_too_many(&call.state.scope.borrow()) {
        call.app.engine().counters().refused.count();
        return Err(call.exit(&refusal::too_many_runs(&call.request)));
    }
    Ok(())
}

/// Whether the guard stands in the business transaction. For an insert it does so if the handler takes a
/// transaction.
fn is_transactional(call: &Call) -> Result<bool, Exit> {
    let taken = call.state.takes_transaction.get();
    match call.policy.strategy.traits().guard {
        // A row may guard work outside of the transaction. A record may not: it would tell about that work
        // without knowing it.
        GuardPlace::Transaction if !taken && call.policy.row.is_none() => {
            let why = "the handler's strategy needs a `Tx` among its parameters or inside of one: its \
                       writes elsewhere do not commit with the record";
            Err(call.misconfigured(why))
        }
        GuardPlace::Transaction => Ok(true),
        GuardPlace::Insert => Ok(taken),
        // The compiler sees a `Tx` among the parameters, but not one inside an extractor.
        _ if taken => {
            let why = "a handler takes `Tx`, but its guard is not in a transaction";
            Err(call.misconfigured(why))
        }
        _ => Ok(false),
    }
}

/// Ends the run of a request, if there is one, with its response.
pub(super) fn end(
    policy: &'static Policy,
    app: &Idempotency,
    state: &RunState,
    request: &HttpRequest,
    response: HttpResponse,
) -> impl Future<Output = HttpResponse> + use<> {
    let response = never_stored(request, response);
    let run = state.run.take();
    let rare = match run {
        Some(GuardedRun::Leased(run)) if policy.strategy.traits().guard == GuardPlace::Task => {
            task::finish(policy, app.clone(), run, response).boxed_local()
        }
        Some(GuardedRun::Leased(run)) => {
            return Either::Left(lease::finish(policy, app, state, run, response));
        }
        Some(GuardedRun::Transaction(mut run)) => {
            run.take_from(state.tx_slot());
            let committed =
                transaction::commit(policy, app.clone(), request.clone(), run, response);
            if state.is_unrecorded.get() {
                committed.map(not_stored).boxed_local()
            } else {
                committed.boxed_local()
            }
        }
        Some(GuardedRun::Computing(run)) => {
            let place = RunPlace::of(app, state);
            cache::finish(policy, place, request.clone(), *run, response).boxed_local()
        }
        // The request should have been guarded, but the store did not answer, or records are off.
        None if state.must_finish.get() => {
            return Either::Right(Either::Left(ready(not_stored(response))));
        }
        // The request had no key and needed none.
        None => return Either::Right(Either::Left(ready(response))),
    };
    Either::Right(Either::Right(rare))
}

/// Takes the request over from the outer guards: they give their keys back, and store nothing.
///
/// Of several guards with a key, only the innermost one guards. It takes over before its own claim. So even
/// if the process dies after that, the outer records tell nothing about the run.
pub(super) fn take_over(state: &RunState) -> impl Future<Output = ()> {
    match state.around() {
        Some(around) => Either::Left(relieve(around).boxed_local()),
        None => Either::Right(ready(())),
    }
}

async fn relieve(nearest: &RunState) {
    for state in nearest.outwards() {
        give_back(state).await;
        // Not earlier: if this is dropped before, the request must be dropped with the run in it.
        state.forget_run();
    }
}

/// Ends a run as if it had not begun: the next request with its key runs.
pub(super) async fn give_back(state: &RunState) {
    let run = state.run.take();
    match run {
        Some(GuardedRun::Leased(run)) => run.release().await,
        Some(GuardedRun::Computing(run)) => cache::give_up(*run).await,
        Some(GuardedRun::Transaction(_)) | None => {}
    }
}

/// Ends a run whose handler panicked, and tells its client.
pub(super) async fn give_up(
    policy: &'static Policy,
    client: Client,
    run: Option<GuardedRun>,
) -> HttpResponse {
    let what = "the handler panicked; a part of its work may have been done";
    // Nobody repeats a task, and a held key waits for a person.
    let runs_again = policy.on_abandoned == OnAbandoned::Retry
        && policy.strategy.traits().guard != GuardPlace::Task;
    let response = client.tell(ProblemKind::HandlerPanicked, what, runs_again);
    match (run, policy.on_abandoned) {
        (None, _) => {}
        (Some(GuardedRun::Transaction(run)), _) => run.roll_back().await,
        (Some(GuardedRun::Computing(run)), _) => cache::give_up(*run).await,
        // Nobody repeats a task, so it has failed.
        (Some(GuardedRun::Leased(run)), _)
            if policy.strategy.traits().guard == GuardPlace::Task =>
        {
            if let Some(app) = client.app() {
                return task::finish(policy, app, run, response).await;
            }
        }
        (Some(GuardedRun::Leased(run)), OnAbandoned::Retry) => run.release().await,
        (Some(GuardedRun::Leased(run)), OnAbandoned::Hold) => run.abandon().await,
    }
    response
}
