//! The answer of a row that guards a handler, as a response.

use crate::http::answer::problem::{Problem, ProblemKind};
use crate::http::answer::refusal::entity_tag;
use crate::transaction::RowAnswer;
use actix_web::http::header::{CONTENT_TYPE, ETAG};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

/// The reply in place of the handler's response.
pub(crate) enum RowReply {
    /// A problem, with the version that the row has.
    Problem(Problem, Option<i64>),
    /// The request was done before, by itself or by another one. There is no stored answer.
    Done(HttpResponse),
}

/// The reply to the client for a row's answer. `weak` holds the versions that the client named by weak tags.
pub(crate) fn reply(request: &HttpRequest, answer: RowAnswer, weak: &[i64]) -> RowReply {
    let problem = |kind, detail: String| Problem::new(kind, request.path(), detail);
    match answer {
        RowAnswer::Missing => {
            let what =
                "there is no such thing, or it belongs to another caller; nothing ran".to_owned();
            RowReply::Problem(problem(ProblemKind::RowMissing, what), None)
        }
        RowAnswer::Mismatch { current } => {
            let what = if weak.contains(&current) {
                format!(
                    "`W/\"{current}\"` is a weak entity tag, and `If-Match` compares strongly (RFC 9110, \
                     section 13.1.1); proxies that compress make tags weak. Send `\"{current}\"`, or let \
                     the service say `if_match = \"weak\"`"
                )
            } else {
                format!(
                    "the version is {current} by now, so nothing was changed; read the current state \
                     and decide anew"
                )
            };
            RowReply::Problem(problem(ProblemKind::VersionMismatch, what), Some(current))
        }
        RowAnswer::Accepted { current } => {
            let mut done = HttpResponse::NoContent();
            if let Some(tag) = entity_tag(current) {
                done.insert_header((ETAG, tag));
            }
            RowReply::Done(done.finish())
        }
        RowAnswer::AlreadyThere { current } => {
            let body = json!({"status": current}).to_string();
            let mut done = HttpResponse::Ok();
            done.insert_header(("Idempotency-Already-Done", "true"));
            RowReply::Done(done.insert_header((CONTENT_TYPE, "application/json")).body(body))
        }
        RowAnswer::Illegal { from, to, current } => {
            let what =
                format!("cannot change `{from}` to `{to}`: the current state is `{current}`");
            RowReply::Problem(problem(ProblemKind::IllegalTransition, what), None)
        }
    }
}
