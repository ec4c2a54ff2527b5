//! The guard of a read whose answer is computed once: from the request to the answer, and back to the record.
//!
//! Caching fails open: after any failure the handler computes the answer, since a read changes nothing and
//! may be computed twice without harm.

#![expect(clippy::result_large_err, reason = "a box for each exit would cost more than its moves")]

use crate::engine::cached::{self, AnswerLife, CachedAnswer, Lookup};
use crate::engine::{Admission, ClaimRequest, Refusal};
use crate::error::StoreError;
use crate::http::answer::caching::{Audience, conditional, with_age};
use crate::http::answer::keep::{CopyEnd, KeepFor, Keeping, Kept, keep};
use crate::http::answer::refusal;
use crate::http::answer::stored_response::rebuild;
use crate::http::app::idempotency::Idempotency;
use crate::http::call::call::{Call, Exit};
use crate::http::call::course::RequestOutcome;
use crate::http::call::run::{AnswerPlace, Computation, ComputingTurn, GuardedRun};
use crate::http::guard::cache_requests::cache_requests;
use crate::http::guard::reply::{has_too_many_runs, refused};
use crate::http::guard::streamed::{RunPlace, send_on};
use crate::http::guard::unrecorded::{is_unrecorded, let_through};
use crate::key::StorageKey;
use crate::outcome::{Outcome, StoredResponse};
use crate::policy::Policy;
use crate::store::record::Owner;
use crate::strategy::cache::CacheRequests;
use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse};
use std::error::Error as StdError;
use std::time::Duration;
use tokio::task::yield_now;

/// Whether a request reads. For another request no stored answer is used, and its answer is not stored.
pub(super) fn is_read(request: &HttpRequest) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD)
}

/// Whether the answer of a request is kept. The answer to a HEAD has no body for those who GET.
fn is_kept_of(request: &HttpRequest) -> bool {
    *request.method() == Method::GET
}

/// Answers with the stored answer, or lets the handler compute one.
pub(super) async fn read(call: &mut Call) -> Result<(), Exit> {
    let (read, audience) = cache_requests(call).await?;
    let key = read.first.claim.key;
    let answer = AnswerPlace { key, life: read.life, audience };
    call.state.record.set(Some(key));
    call.state.course.has_key(&key);
    if is_unrecorded(call) {
        let_through(call);
        return Ok(());
    }
    let (definition, computes) = (call.policy.definition.id(), is_kept_of(&call.request));
    match cached::look_up(call.app.engine(), &key, definition, read.life).await {
        Ok(Lookup::Stale(found)) if computes => recompute(call, &read, answer, found).await,
        Ok(Lookup::Fresh(found) | Lookup::Stale(found)) => {
            Err(found_answer(call, found.response, found.age, audience))
        }
        Ok(Lookup::Nothing | Lookup::UnderWay(_)) if computes => {
            compute_first(call, &read, answer).await
        }
        Ok(Lookup::Nothing | Lookup::UnderWay(_) | Lookup::NotKept) => Ok(()),
        Ok(Lookup::OfAnother) => Err(refused(call, Refusal::OtherDefinition)),
        Err(error) => {
            tell_uncached(call, &error);
            Ok(())
        }
    }
}

/// On a miss, the request claims the key as usual: it computes, or waits for the request that does.
async fn compute_first(call: &Call, read: &CacheRequests, answer: AnswerPlace) -> Result<(), Exit> {
    if has_too_many_runs(call) {
        return Ok(());
    }
    match call.app.engine().begin(&read.first).await {
        Ok(Admission::Refused(Refusal::InProgress { .. })) => {
            Box::pin(wait_on(call, read, answer)).await
        }
        admission => admitted(call, admission, answer),
    }
}

/// If the owner takes long, one request of this process at a time computes beside it. The others wait for one
/// more lease, for the answer of either.
async fn wait_on(call: &Call, read: &CacheRequests, answer: AnswerPlace) -> Result<(), Exit> {
    let engine = call.app.engine();
    let lease = read.first.claim.lease;
    let patient = ClaimRequest { wait: lease, ..read.first.clone() };
    let turn = tokio::select! {
        biased;
        turn = cached::turn_beside(engine, &answer.key, lease) => turn,
        admission = engine.begin(&patient) => return admitted(call, admission, answer),
    };
    let Some(turn) = turn else { return Ok(()) };
    let definition = call.policy.definition.id();
    match cached::look_up(engine, &answer.key, definition, answer.life).await {
        Ok(Lookup::Fresh(found) | Lookup::Stale(found)) => {
            Err(found_answer(call, found.response, found.age, answer.audience))
        }
        Ok(Lookup::UnderWay(owner)) => {
            call.state.must_finish.set(true);
            compute(call, ComputingTurn::Beside(turn, owner), answer);
            Ok(())
        }
        Ok(Lookup::Nothing) => {
            let now = ClaimRequest { wait: Duration::ZERO, ..patient };
            admitted(call, engine.begin(&now).await, answer)
        }
        Ok(Lookup::NotKept | Lookup::OfAnother) | Err(_) => Ok(()),
    }
}

/// Notes the computation that was admitted, or exits with the answer of another one.
fn admitted(
    call: &Call,
    admission: Result<Admission, StoreError>,
    answer: AnswerPlace,
) -> Result<(), Exit> {
    match admission {
        Ok(Admission::Run(run)) => {
            call.state.must_finish.set(true);
            call.state.attempt.set(run.attempt());
            compute(call, ComputingTurn::First(run), answer);
        }
        Ok(Admission::Replay(outcome)) => {
            if let Outcome::Response(stored) = *outcome {
                return Err(found_answer(call, stored, Duration::ZERO, answer.audience));
            }
        }
        Ok(Admission::Refused(refusal @ Refusal::OtherDefinition)) => {
            return Err(refused(call, refusal));
        }
        // The computation took too long, the process is about to end, or the answer is not kept.
        Ok(Admission::Refused(_)) => {}
        Err(error) => tell_uncached(call, &error),
    }
    Ok(())
}

/// The client gets the old answer at once. If no other request does, this one computes a new answer.
async fn recompute(
    call: &Call,
    read: &CacheRequests,
    answer: AnswerPlace,
    old: Box<CachedAnswer>,
) -> Result<(), Exit> {
    let exit = found_answer(call, old.response.clone(), old.age, answer.audience);
    if has_too_many_runs(call) {
        return Err(exit);
    }
    let Exit::Answered(stale) = exit else { return Ok(()) };
    call.state.must_finish.set(true);
    call.state.early.set(Some(stale));
    // The driver sends the old answer, and goes on in a task of its own.
    yield_now().await;
    // The connection gets one more turn, before a handler may block the thread.
    yield_now().await;
    if let Ok(Admission::Run(turn)) = call.app.engine().begin(&read.again).await {
        let definition = call.policy.definition.id();
        match cached::look_up(call.app.engine(), &answer.key, definition, answer.life).await {
            Ok(Lookup::Stale(now)) if now.is(&old) => {
                compute(call, ComputingTurn::Again(turn, old), answer);
                return Ok(());
            }
            // Another request was faster.
            _ => turn.release().await,
        }
    }
    // The client has its answer.
    Err(Exit::Answered(HttpResponse::NoContent().finish()))
}

fn compute(call: &Call, turn: ComputingTurn, answer: AnswerPlace) {
    let computation = Box::new(Computation { turn, answer });
    call.state.run.replace(Some(GuardedRun::Computing(computation)));
    call.state.course.runs(RequestOutcome::Ran, call.state.attempt.get());
}

fn found_answer(call: &Call, stored: StoredResponse, age: Duration, audience: Audience) -> Exit {
    let Some(response) = rebuild(&call.request, stored) else {
        return call.exit(&refusal::unreadable(&call.request));
    };
    call.app.engine().counters().replayed.count();
    call.state.course.note(RequestOutcome::Replayed);
    tracing::debug!(age = age.as_secs(), "a stored answer is sent again");
    let response = with_age(response, Some(age), audience);
    Exit::Answered(conditional(&call.request, response))
}

fn tell_uncached(call: &Call, error: &StoreError) {
    tracing::warn!(
        path = call.request.path(),
        error = error as &dyn StdError,
        "the store failed, so a read is computed and not kept",
    );
}

/// Ends a computation without an answer.
pub(super) async fn give_up(computation: Computation) {
    match computation.turn {
        ComputingTurn::First(run) | ComputingTurn::Again(run, _) => run.release().await,
        // The next request of this process gets its turn.
        ComputingTurn::Beside(..) => {}
    }
}

/// Keeps the handler's response, if it may be kept, before the response is sent. If its body has to be read,
/// only the end of the body is held back until then.
pub(super) async fn finish(
    policy: &'static Policy,
    place: RunPlace,
    request: HttpRequest,
    computation: Computation,
    response: HttpResponse,
) -> HttpResponse {
    let (app, audience) = (place.app.clone(), computation.answer.audience);
    let purpose = KeepFor::Readers(audience);
    let response = match keep(policy, app.max_body(policy), purpose, response) {
        Keeping::Decided(response, Kept::Nothing) => {
            give_up(computation).await;
            return response;
        }
        Keeping::Decided(response, kept) => {
            end(&app, computation, kept).await;
            response
        }
        Keeping::Unread(body) => {
            let lease = match &computation.turn {
                ComputingTurn::First(run) | ComputingTurn::Again(run, _) => run.lease(),
                ComputingTurn::Beside(..) => policy.lease.unwrap_or(app.settings().lease),
            };
            send_on(body, place, lease, async move |copied| match copied {
                CopyEnd::Whole(copy) => end(&app, computation, Kept::Copy(copy)).await,
                CopyEnd::Cut => end(&app, computation, Kept::Tombstone).await,
                CopyEnd::Broken => give_up(computation).await,
            })
        }
    };
    conditional(&request, with_age(response, None, audience))
}

async fn end(app: &Idempotency, computation: Computation, kept: Kept) {
    let AnswerPlace { key, life, .. } = computation.answer;
    match (computation.turn, kept) {
        (ComputingTurn::First(run), Kept::Copy(copy)) => {
            run.complete(Outcome::Response(copy), life.whole()).await;
        }
        // Without a record, readers would wait for each next computation in vain.
        (ComputingTurn::First(run), _) => {
            run.complete(Outcome::Tombstone, life.fresh).await;
        }
        (ComputingTurn::Again(run, old), kept) => {
            if let Kept::Copy(copy) = kept {
                replace(app, &key, &old, copy, life).await;
            }
            run.release().await;
        }
        (ComputingTurn::Beside(_turn, owner), kept) => {
            let life = if matches!(kept, Kept::Copy(_)) { life.whole() } else { life.fresh };
            overtake(app, &key, owner, kept.outcome(), life).await;
        }
    }
}

async fn overtake(
    app: &Idempotency,
    key: &StorageKey,
    owner: Owner,
    outcome: Outcome,
    life: Duration,
) {
    if let Err(error) = cached::overtake(app.engine(), key, owner, outcome, life).await {
        let error = &error as &dyn StdError;
        tracing::warn!(%key, error, "an answer was computed beside its owner, but could not be kept");
    }
}

async fn replace(
    app: &Idempotency,
    key: &StorageKey,
    old: &CachedAnswer,
    copy: StoredResponse,
    life: AnswerLife,
) {
    if let Err(error) = cached::replace(app.engine(), key, old, copy, life).await {
        let error = &error as &dyn StdError;
        tracing::warn!(%key, error, "an answer was computed again, but could not be kept");
    }
}
