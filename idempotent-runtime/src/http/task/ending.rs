//! The end of a task: whatever its handler answers is its result.

use crate::engine::Execution;
use crate::http::app::Idempotency;
use crate::http::response::{Taken, Taking};
use crate::outcome::Outcome;
use crate::policy::Policy;
use actix_web::HttpResponse;

/// Ends a run with the response of its handler, also with a failure: nobody is there to repeat it.
pub(in crate::http) async fn end(
    policy: &'static Policy,
    app: Idempotency,
    run: Execution,
    response: HttpResponse,
) -> HttpResponse {
    let taking = Taking { headers: [policy.headers, &[]], longest: app.max_body(policy) };
    let (response, copy) = match taking.at_once(response) {
        (response, Taken::Copy(copy)) => (response, Some(copy)),
        (response, Taken::Nothing | Taken::Unread) => taking.reading(response).await,
    };
    let (head, body) = response.into_parts();
    let copy = copy.unwrap_or_else(|| taking.without_body(&head));
    run.complete(Outcome::Response(copy), app.settings().ttl(policy)).await;
    head.set_body(body)
}
