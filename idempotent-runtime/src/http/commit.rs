//! The end of a run in a transaction: its response goes into the commit, before anything is sent.

use crate::http::app::Idempotency;
use crate::http::refusal;
use crate::http::response::{Taken, Taking, not_stored};
use crate::http::settle::is_stored;
use crate::outcome::Outcome;
use crate::policy::{OnDuplicate, Policy};
use crate::transaction::{Effects, Run};
use actix_web::http::header::ETAG;
use actix_web::{HttpRequest, HttpResponse};

/// Commits a run with the response of its handler, or takes it back.
pub(super) async fn commit(
    policy: &'static Policy,
    app: Idempotency,
    request: HttpRequest,
    run: Box<Run>,
    response: HttpResponse,
) -> HttpResponse {
    if !is_stored(policy, &response) {
        run.roll_back().await;
        return response;
    }
    let effects = match response.status().as_u16() {
        ..400 => Effects::Kept,
        _ => Effects::TakenBack,
    };
    let response = tagged(response, run.version());
    let (response, outcome, promised) = if run.is_recorded() {
        take(policy, &app, response).await
    } else {
        (response, Outcome::Tombstone, true)
    };
    match run.complete(outcome, effects, app.settings().ttl(policy)).await {
        Ok(()) if promised => response,
        Ok(()) => not_stored(response),
        // Whatever the handler said: it may not be so.
        Err(error) => app.render(&request, &refusal::not_committed(&request, &error)),
    }
}

/// With the row's new version as its `ETag`, unless the handler gave it one.
fn tagged(mut response: HttpResponse, version: Option<i64>) -> HttpResponse {
    if let Some(tag) = version.and_then(refusal::entity_tag)
        && response.status().is_success()
        && !response.headers().contains_key(ETAG)
    {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

/// What is kept of a response, and whether a retry will get what the client expects it to get.
async fn take(
    policy: &'static Policy,
    app: &Idempotency,
    response: HttpResponse,
) -> (HttpResponse, Outcome, bool) {
    if policy.on_duplicate == OnDuplicate::Reject {
        return (response, Outcome::Tombstone, true);
    }
    let taking = Taking { headers: [policy.headers, &[]], longest: app.max_body(policy) };
    let (response, copy) = match taking.at_once(response) {
        (response, Taken::Copy(copy)) => (response, Some(copy)),
        (response, Taken::Nothing) => (response, None),
        (response, Taken::Unread) => taking.reading(response).await,
    };
    match copy {
        Some(copy) => (response, Outcome::Response(copy), true),
        None => (response, Outcome::Tombstone, false),
    }
}
