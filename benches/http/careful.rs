//! A handler with the same promises, written by hand: no key is shared by callers or paths, a key that was
//! used for another request is refused, and a replay says that it is one.
//!
//! It does not renew a lease, settle a lost answer, or go on when its client has left.

use crate::Order;
use crate::floor::Server;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use actix_web::web::{Bytes, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, post};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const RUNNING: u8 = 0;
const DONE: u8 = 1;

pub(crate) fn on_redis(config: &mut ServiceConfig, url: &str) {
    config.app_data(Data::new(Server::new(url))).service(create);
}

#[post("/orders")]
async fn create(request: HttpRequest, body: Bytes, server: Data<Server>) -> HttpResponse {
    let Ok(order) = serde_json::from_slice::<Order>(&body) else {
        return HttpResponse::BadRequest().finish();
    };
    let header = |name| request.headers().get(name).map(HeaderValue::as_bytes);
    let (Some(caller), Some(key)) = (header("Authorization"), header("Idempotency-Key")) else {
        return HttpResponse::BadRequest().finish();
    };
    let (method, path) = (request.method().as_str().as_bytes(), request.path().as_bytes());
    let name = hashed(&[method, path, caller, key]);
    let name = format!("careful:{}", URL_SAFE_NO_PAD.encode(name));
    let fingerprint = hashed(&[method, path, request.query_string().as_bytes(), &body]);
    let owner: [u8; 16] = rand::random();
    let running = [&[RUNNING][..], &fingerprint, &owner].concat();
    let Some(there) = server.claim(&name, &running).await else {
        let answer = serde_json::to_vec(&order).expect("JSON");
        let done = [&[DONE][..], &fingerprint, &answer].concat();
        server.complete(&name, &running, &done).await;
        return HttpResponse::Created()
            .insert_header((CONTENT_TYPE, "application/json"))
            .body(answer);
    };
    let there = Bytes::from(there);
    match there[0] {
        _ if there[1..33] != fingerprint => HttpResponse::UnprocessableEntity().finish(),
        RUNNING => HttpResponse::Conflict().finish(),
        _ => HttpResponse::Created()
            .insert_header((CONTENT_TYPE, "application/json"))
            .insert_header((CACHE_CONTROL, "no-store"))
            .insert_header(("Idempotency-Replayed", "true"))
            .body(there.slice(33..)),
    }
}

/// A hash of parts with their lengths, so that no two lists of parts have the same hash.
fn hashed(parts: &[&[u8]]) -> [u8; 32] {
    let mut joined = Vec::with_capacity(256);
    for part in parts {
        joined.extend_from_slice(&part.len().to_le_bytes());
        joined.extend_from_slice(part);
    }
    *blake3::hash(&joined).as_bytes()
}
