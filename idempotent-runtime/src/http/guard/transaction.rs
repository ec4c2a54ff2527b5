//! The guard in the business transaction. It opens before the run, and commits together with the response.

#![expect(clippy::result_large_err, reason = "a box for each exit would cost more than its moves")]

use crate::engine::{ClaimRequest, Refusal};
use crate::error::StoreError;
use crate::http::answer::keep::{KeepFor, Kept, is_kept, keep};
use crate::http::answer::misconfigured::misconfigured;
use crate::http::answer::problem::ProblemKind;
use crate::http::answer::refusal::{self, FoundOutBy, entity_tag};
use crate::http::answer::row::{self, RowReply};
use crate::http::answer::stored_response::not_stored;
use crate::http::app::idempotency::Idempotency;
use crate::http::call::call::{Call, Exit};
use crate::http::call::course::RequestOutcome;
use crate::http::call::run::GuardedRun;
use crate::http::guard::reply::{refused, replayed};
use crate::http::request::if_match::{self, IfMatch, NoField};
use crate::policy::{GuardPlace, Policy, RowGuard, TagRule};
use crate::transaction::{
    self, Committed, Effects, KnownBy, Plan, RowAnswer, RowOwner, RowPlan, SeenVersion,
    TransactionAdmission, TransactionRun, met_unique_index,
};
use actix_web::http::header::{ETAG, HeaderValue, IF_MATCH};
use actix_web::{HttpRequest, HttpResponse};

/// Opens a transaction of the business database, guarded by the key, a row, or both.
pub(super) async fn open(call: &Call, request: Option<ClaimRequest>) -> Result<(), Exit> {
    let Some(database) = call.app.database() else {
        let why = "the handler's strategy needs the business database: `.database(pool)`";
        return Err(call.misconfigured(why));
    };
    let wait = call.policy.wait.unwrap_or(call.app.settings().wait);
    let row = row_plan(call, if request.is_some() { KnownBy::Key } else { KnownBy::Row })?;
    let plan = Plan { request, row, wait, settings: call.app.on_begin().settings(&call.request) };
    match transaction::begin(database, call.app.engine(), plan).await {
        Ok(TransactionAdmission::Run(mut run)) => {
            call.state.must_finish.set(true);
            call.state.attempt.set(u64::from(run.record.is_some()));
            run.put_into(call.state.tx_slot());
            call.state.run.replace(Some(GuardedRun::Transaction(run)));
            call.state.course.runs(RequestOutcome::Ran, call.state.attempt.get());
            Ok(())
        }
        Ok(TransactionAdmission::Replay(stored)) => Err(replayed(call, *stored)),
        Ok(TransactionAdmission::Refused(refusal)) => Err(refused(call, refusal)),
        Ok(TransactionAdmission::Row(answer)) => Err(by_row(call, answer)),
        Err(error) => Err(call.exit(&refusal::not_begun(&call.request, &error))),
    }
}

/// The row that guards the handler, with the values that the request names.
fn row_plan(call: &Call, known_by: KnownBy) -> Result<Option<RowPlan>, Exit> {
    let (Some(row), Some(id)) = (&call.policy.row, &call.values.row) else { return Ok(None) };
    let id = call.filled(id, ProblemKind::KeyInvalid)?.whole();
    let version = match row.guard {
        RowGuard::Version { tags, .. } => seen_version(call, tags, known_by)?,
        RowGuard::Lock | RowGuard::State { .. } => SeenVersion::Any,
    };
    let on_duplicate = call.policy.on_duplicate;
    Ok(Some(RowPlan { row, id, owner: owner(call)?, version, on_duplicate, known_by }))
}

/// The owner that the row must have.
fn owner(call: &Call) -> Result<Option<RowOwner>, Exit> {
    let Some(column) = call.policy.row.as_ref().and_then(|row| row.owner) else { return Ok(None) };
    let Some(value) = &call.values.owner else {
        return Err(call.misconfigured(
            "the row has an `owner` column, but the handler does not name the owner",
        ));
    };
    let value = call.filled(value, ProblemKind::ScopeMissing)?.whole();
    Ok(Some(RowOwner { column, value }))
}

/// The version that the client saw, from the handler's own template or from `If-Match`.
fn seen_version(call: &Call, rule: TagRule, known_by: KnownBy) -> Result<SeenVersion, Exit> {
    if let Some(value) = &call.values.version {
        let written = call.filled(value, ProblemKind::VersionMissing)?.whole();
        let written = written.trim();
        let bare = written.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let version = if_match::version(bare.unwrap_or(written).as_bytes());
        return Ok(SeenVersion::OneOf(version.into_iter().collect()));
    }
    let missing = |why: &str| call.problem(ProblemKind::VersionMissing, why.to_owned());
    let seen = match if_match(&call.request) {
        Ok(Some(IfMatch::Any)) => SeenVersion::Any,
        Ok(Some(IfMatch::Versions { mut strong, weak })) => {
            strong.extend(weak.into_iter().filter(|_| rule.takes_weak));
            strong.sort_unstable();
            strong.dedup();
            SeenVersion::OneOf(strong)
        }
        Ok(None) => return Err(missing("the header `If-Match` is missing")),
        Err(NoField) => {
            let why = "the header `If-Match` is not a list of entity tags; send the `ETag` of what you saw, \
                       with its quotes";
            return Err(call.problem(ProblemKind::VersionInvalid, why.to_owned()));
        }
    };
    let names_one = matches!(&seen, SeenVersion::OneOf(versions) if versions.len() < 2);
    if names_one || rule.takes_several || known_by == KnownBy::Key {
        return Ok(seen);
    }
    Err(missing(
        "`*` or a list in `If-Match` does not name one version, so a repeated request would make its \
         change twice; send the one `ETag` that you saw",
    ))
}

fn if_match(request: &HttpRequest) -> Result<Option<IfMatch>, NoField> {
    if_match::parse(request.headers().get_all(IF_MATCH).map(HeaderValue::as_bytes))
}

fn by_row(call: &Call, answer: RowAnswer) -> Exit {
    let weak = match if_match(&call.request) {
        Ok(Some(IfMatch::Versions { weak, .. })) if call.values.version.is_none() => weak,
        _ => Vec::new(),
    };
    match row::reply(&call.request, answer, &weak) {
        RowReply::Done(response) => {
            call.state.course.note(RequestOutcome::AlreadyDone);
            Exit::Answered(response)
        }
        RowReply::Problem(problem, version) => {
            let mut response = call.app.render(&call.request, &problem);
            if let Some(tag) = version.and_then(entity_tag) {
                response.headers_mut().insert(ETAG, tag);
            }
            Exit::Answered(response)
        }
    }
}

/// Commits a run with the response of its handler, or rolls it back, before anything is sent.
pub(super) async fn commit(
    policy: &'static Policy,
    app: Idempotency,
    request: HttpRequest,
    run: Box<TransactionRun>,
    response: HttpResponse,
) -> HttpResponse {
    let (purpose, found_out) = match run.record {
        Some(_) => (KeepFor::Retries, FoundOutBy::Repeating),
        None => (KeepFor::Commit, FoundOutBy::Looking),
    };
    if !is_kept(policy, purpose, &response) {
        run.roll_back().await;
        return response;
    }
    let response = tagged(response, run.version);
    // A response that is sent before the commit could tell of changes that are never committed.
    let longest = app.settings().lease;
    let keeping = keep(policy, app.max_body(policy), purpose, response);
    let (response, kept) = keeping.decided(longest).await;
    let effects = match response.status().as_u16() {
        ..400 => Effects::Kept,
        _ => Effects::RolledBack,
    };
    if effects == Effects::RolledBack && run.is_over() {
        // The response is a failure, and the transaction has already ended: nothing is kept.
        run.roll_back().await;
        return not_stored(response);
    }
    let is_whole = kept != Kept::Tombstone;
    match run.complete(kept.outcome(), effects, app.settings().ttl(policy)).await {
        Ok(Committed::Yes) if is_whole => response,
        Ok(Committed::Yes) => not_stored(response),
        // A part was committed, so the handler's response may be false.
        Ok(Committed::InPart) => {
            app.render(&request, &refusal::problem(&request, policy, Refusal::OutcomeUnknown))
        }
        Ok(Committed::Misplaced) => {
            let why = "the handler left its row in another state than its transition leads to";
            app.render(&request, &misconfigured(&request, why))
        }
        Err(error) if is_there_by(policy, &error) => {
            let mut response = HttpResponse::Conflict().finish();
            response.extensions_mut().insert(ThereAlready);
            response
        }
        Err(error) => app.render(&request, &refusal::not_committed(&request, &error, found_out)),
    }
}

/// The mark of a response whose commit met a unique index.
struct ThereAlready;

/// Whether the commit met the unique index that the handler's policy names. Nothing of the run is kept then.
pub(crate) fn is_there_already(response: &HttpResponse) -> bool {
    response.extensions().contains::<ThereAlready>()
}

fn is_there_by(policy: &Policy, error: &StoreError) -> bool {
    let is_insert = policy.strategy.traits().guard == GuardPlace::Insert;
    is_insert && error.cause().is_some_and(|cause| met_unique_index(cause, policy.constraint))
}

/// The response with the row's new version as its `ETag`, unless the handler set one.
fn tagged(mut response: HttpResponse, version: Option<i64>) -> HttpResponse {
    if let Some(tag) = version.and_then(entity_tag)
        && response.status().is_success()
        && !response.headers().contains_key(ETAG)
    {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}
