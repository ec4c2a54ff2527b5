//! A row that guards a handler: the version that a request names, and the row's word to the client.

use crate::http::answer::problem::{Problem, ProblemKind};
use crate::http::answer::refusal::entity_tag;
use crate::transaction::RowAnswer;
use actix_web::http::header::{CONTENT_TYPE, ETAG};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

/// Reads a version: a number, or the strong entity tag of one (RFC 9110, section 8.8.3).
///
/// A weak tag, a list or `*` names no version, and so matches none.
pub(crate) fn version(written: &str) -> Option<i64> {
    let written = written.trim();
    let bare = written.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    bare.unwrap_or(written).parse().ok()
}

/// The reply in place of the handler's response.
pub(crate) enum RowReply {
    /// Something is wrong, with the version it has.
    Problem(Problem, Option<i64>),
    /// It was done before, by this request or another one: no stored answer.
    Done(HttpResponse),
}

/// The reply to the client for a row's answer.
pub(crate) fn reply(request: &HttpRequest, answer: RowAnswer) -> RowReply {
    let problem = |kind, detail: String| Problem::new(kind, request.path(), detail);
    match answer {
        RowAnswer::Missing => {
            let what = "there is nothing of this name".to_owned();
            RowReply::Problem(problem(ProblemKind::RowMissing, what), None)
        }
        RowAnswer::Mismatch { current } => {
            let what = format!("it has version {current} by now; read it again and decide anew");
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
