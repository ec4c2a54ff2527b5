//! The answers of a server, and the faults in them.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, RETRY_AFTER, SET_COOKIE};
use serde_json::{Value, json};

/// A stored answer.
#[derive(Clone)]
pub(crate) struct Done {
    pub(crate) status: u16,
    pub(crate) number: usize,
    pub(crate) text: String,
}

pub(crate) fn first(fault: &str, done: &Done) -> HttpResponse {
    let mut answer = self::done(fault, done);
    let cookie = format!("session={}", done.number);
    answer.headers_mut().insert(SET_COOKIE, cookie.parse().expect("a value"));
    answer
}

pub(crate) fn done(fault: &str, done: &Done) -> HttpResponse {
    let status = StatusCode::from_u16(done.status).expect("a status");
    let mut answer = HttpResponse::build(status);
    if fault != "all-alike" {
        answer.insert_header(("Location", format!("/orders/{}", done.number)));
    }
    answer.insert_header(("Content-Type", "application/json")).body(done.text.clone())
}

pub(crate) fn replay(fault: &str, stored: &Done) -> HttpResponse {
    let mut stored = stored.clone();
    match fault {
        "other-bytes" => stored.text.push(' '),
        "other-status" => stored.status = 200,
        _ => {}
    }
    let mut answer =
        if fault == "replays-cookies" { first(fault, &stored) } else { done(fault, &stored) };
    let headers = answer.headers_mut();
    match fault {
        "drops-content-type" => drop(headers.remove("content-type").count()),
        "drops-location" => drop(headers.remove("location").count()),
        _ => {}
    }
    if !["no-marker", "all-alike"].contains(&fault) {
        let name = HeaderName::from_static("idempotency-replayed");
        answer.headers_mut().insert(name, "true".parse().expect("a value"));
    }
    answer
}

pub(crate) fn busy(fault: &str) -> HttpResponse {
    let mut answer = refusal(fault, 409, "it runs");
    match fault {
        "no-retry-after" => {}
        "odd-retry-after" => insert(&mut answer, "soon"),
        _ => insert(&mut answer, "0"),
    }
    answer
}

fn insert(answer: &mut HttpResponse, value: &str) {
    let value = value.parse().expect("a value");
    answer.headers_mut().insert(RETRY_AFTER, value);
}

pub(crate) fn refusal(fault: &str, status: u16, why: &str) -> HttpResponse {
    let mut answer = HttpResponse::build(StatusCode::from_u16(status).expect("a status"));
    let mut problem = json!({ "type": "https://example.com/key", "title": why, "status": status });
    match fault {
        "plain-errors" => return answer.content_type("text/plain").body(why.to_owned()),
        "no-title" => problem["title"] = Value::Null,
        "other-problem-status" => problem["status"] = json!(400),
        _ => {}
    }
    answer.content_type("application/problem+json").body(problem.to_string())
}
