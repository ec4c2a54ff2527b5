//! The driver of every guarded handler: not generic, so that it is compiled once.

use crate::engine::{Execution, Stored};
use crate::http::app::Idempotency;
use crate::http::call::{Call, Drafts, Exit};
use crate::http::detach::{Commitment, Detach};
use crate::http::problem::{Problem, ProblemKind};
use crate::http::response::{Captured, StoreResponse, capture, not_stored};
use crate::outcome::Outcome;
use crate::policy::{FingerprintOf, OnAbandoned, OnDuplicate, Policy};
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::{Error, HttpRequest, HttpResponse, dev, web};
use bytes::{Bytes, BytesMut};
use futures_util::future::LocalBoxFuture;
use futures_util::{FutureExt, StreamExt};
use std::panic::AssertUnwindSafe;

/// What a guarded handler gives to actix.
pub type HttpResult = Result<HttpResponse, Error>;

/// The generated part of a guarded handler: extract, fill in the key, claim, run.
pub type Operation = for<'a> fn(&'a mut Call) -> LocalBoxFuture<'a, Result<HttpResponse, Exit>>;

/// Runs one request through a guarded handler.
pub fn serve(
    policy: &'static Policy,
    request: HttpRequest,
    payload: web::Payload,
    operation: Operation,
) -> impl Future<Output = HttpResult> {
    let commitment = Commitment::default();
    let work = drive(policy, request, payload.into_inner(), operation, commitment.clone());
    Detach::new(Box::pin(work), commitment)
}

async fn drive(
    policy: &'static Policy,
    request: HttpRequest,
    mut payload: dev::Payload,
    operation: Operation,
    commitment: Commitment,
) -> HttpResult {
    let Some(app) = request.app_data::<Idempotency>().cloned() else {
        return Ok(unprepared(&request));
    };
    let mut body = Bytes::new();
    if policy.fingerprint == FingerprintOf::Request || policy.reads_form {
        body = match buffer(&request, &mut payload, app.max_body(policy)).await {
            Ok(body) => body,
            Err(exit) => return ended(&app, &request, exit),
        };
        payload = dev::Payload::from(body.clone());
    }
    let drafts = Drafts::default();
    let mut call =
        Call { policy, app, request, payload, body, commitment, execution: None, drafts };
    let done = AssertUnwindSafe(operation(&mut call)).catch_unwind().await;
    let Call { app, request, execution, .. } = call;
    match (done, execution) {
        (Ok(Ok(response)), None) => Ok(response),
        (Ok(Ok(response)), Some(run)) => Ok(settle(policy, &app, run, response).await),
        (Ok(Err(exit)), _) => ended(&app, &request, exit),
        (Err(_panic), run) => {
            if let Some(run) = run {
                give_up(policy, run).await;
            }
            let what = "the handler panicked; what it did until then may or may not have happened";
            let problem = Problem::new(ProblemKind::HandlerPanicked, request.path(), what);
            Ok(app.render(&request, &problem))
        }
    }
}

/// A handler outside of an app that knows us must not run unguarded.
pub(super) fn unprepared(request: &HttpRequest) -> HttpResponse {
    tracing::error!(
        path = request.path(),
        "a guarded handler was called in an app without `Idempotency`; \
         add `.app_data(idempotency.clone())` to the `App`",
    );
    let what = "the handler is guarded, and its app was not given what guards it";
    Problem::new(ProblemKind::Misconfigured, request.path(), what)
        .response(crate::http::app::PROBLEM_TYPES)
}

fn ended(app: &Idempotency, request: &HttpRequest, exit: Exit) -> HttpResult {
    match exit {
        Exit::Refused(error) => Err(error),
        Exit::Problem(problem) => Ok(app.render(request, &problem)),
        Exit::Replayed(response) => Ok(response),
    }
}

/// Reads the whole body, unless it is longer than `longest`.
async fn buffer(
    request: &HttpRequest,
    payload: &mut dev::Payload,
    longest: usize,
) -> Result<Bytes, Exit> {
    let over = || {
        let what = format!("the body is longer than {longest} bytes");
        Exit::Problem(Problem::new(ProblemKind::BodyTooLarge, request.path(), what))
    };
    let declared = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    if declared.and_then(|length| length.parse().ok()).is_some_and(|length: usize| length > longest)
    {
        return Err(over());
    }
    let mut first = Bytes::new();
    let mut whole = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| Exit::Refused(error.into()))?;
        if first.len() + whole.len() + chunk.len() > longest {
            return Err(over());
        }
        // A body in one piece, as most are, is not copied.
        if first.is_empty() && whole.is_empty() {
            first = chunk;
            continue;
        }
        whole.extend_from_slice(&std::mem::take(&mut first));
        whole.extend_from_slice(&chunk);
    }
    Ok(if whole.is_empty() { first } else { whole.freeze() })
}

/// Ends a run with the response of its handler, before anything is sent.
async fn settle(
    policy: &'static Policy,
    app: &Idempotency,
    run: Execution,
    response: HttpResponse,
) -> HttpResponse {
    let chosen = response.extensions().get::<StoreResponse>().copied();
    let stores = match chosen {
        Some(choice) => choice == StoreResponse::Yes,
        None => policy.statuses.contain(response.status().as_u16()),
    };
    if !stores {
        run.release().await;
        return response;
    }
    let ttl = app.settings().ttl(policy);
    let Captured { response, copy } = match policy.on_duplicate {
        OnDuplicate::Replay => capture(response, policy.headers, app.max_body(policy)).await,
        // Nobody will ever ask for it.
        OnDuplicate::Reject => Captured { response, copy: None },
    };
    let promised = copy.is_some() || policy.on_duplicate == OnDuplicate::Reject;
    let outcome = copy.map_or(Outcome::Tombstone, Outcome::Response);
    match run.complete(outcome, ttl).await {
        Stored::Yes if promised => response,
        _ => not_stored(response),
    }
}

/// Ends a run whose handler panicked.
async fn give_up(policy: &Policy, run: Execution) {
    match policy.on_abandoned {
        OnAbandoned::Retry => run.release().await,
        OnAbandoned::Hold => run.abandon().await,
    }
}
