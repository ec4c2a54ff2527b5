//! A server by hand on our engine: all of its promises, for this one handler.
//!
//! No rule of a policy is looked up, and nothing but the status and the body of the one response is kept.

use crate::Order;
use crate::on_actix::serve;
use actix_web::http::header::HeaderValue;
use actix_web::rt::spawn;
use actix_web::web::{Bytes, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, post};
use idempotent_runtime::clock::SystemClock;
use idempotent_runtime::engine::{
    Admission, Claim, ClaimRequest, Claimable, DuplicateRules, Engine, IfForgotten, ReclaimWindow,
    Refusal,
};
use idempotent_runtime::key::{Fingerprint, Guard, StorageKey};
use idempotent_runtime::outcome::{Outcome, StoredResponse};
use idempotent_runtime::policy::{DefinitionId, OnAbandoned, OnDuplicate, OnInFlight};
use idempotent_runtime::store::{Label, Store};
use idempotent_runtime::{MemoryStore, RedisStore};
use std::sync::Arc;
use std::time::Duration;

const LEASE: Duration = Duration::from_mins(1);
const LIFE: Duration = Duration::from_hours(24);

pub(crate) fn in_memory(address: &str, _redis: &str) {
    serve(address, async || on(MemoryStore::new()));
}

pub(crate) fn on_redis(address: &str, redis: &str) {
    serve(address, async || on(RedisStore::connect(redis).await.expect("it connects")));
}

fn on(store: impl Store) -> impl Fn(&mut ServiceConfig) + Clone + Send {
    let patience = Duration::from_secs(2);
    let engine = Engine::new(Arc::new(store), Arc::new(SystemClock::new()), patience);
    move |config: &mut ServiceConfig| {
        config.app_data(Data::new(engine.clone())).service(create);
    }
}

#[post("/orders")]
async fn create(request: HttpRequest, body: Bytes, engine: Data<Engine>) -> HttpResponse {
    let Ok(order) = serde_json::from_slice::<Order>(&body) else {
        return HttpResponse::BadRequest().finish();
    };
    let header = |name| request.headers().get(name).map(HeaderValue::as_bytes);
    let (Some(caller), Some(key)) = (header("Authorization"), header("Idempotency-Key")) else {
        return HttpResponse::BadRequest().finish();
    };
    let asked = asked(&request, caller, key, &body);
    match engine.begin(&asked).await {
        Ok(Admission::Run(run)) => {
            // It goes on where its client leaves.
            let answered = spawn(async move {
                let answer = Bytes::from(serde_json::to_vec(&order).expect("JSON"));
                let kept = StoredResponse {
                    status: 201,
                    headers: vec![(CONTENT_TYPE, JSON)],
                    body: answer.clone(),
                    is_cut: false,
                };
                run.complete(Outcome::Response(kept), LIFE).await;
                created(answer)
            });
            answered.await.unwrap_or_else(|_| HttpResponse::InternalServerError().finish())
        }
        Ok(Admission::Replay(outcome)) => match *outcome {
            Outcome::Response(kept) => {
                let mut replayed = created(kept.body);
                let headers = replayed.headers_mut();
                headers.insert("cache-control".parse().expect("a name"), no_store());
                headers.insert("idempotency-replayed".parse().expect("a name"), replay());
                replayed
            }
            _ => HttpResponse::Gone().finish(),
        },
        Ok(Admission::Refused(Refusal::InProgress { .. })) => HttpResponse::Conflict().finish(),
        Ok(Admission::Refused(_)) => HttpResponse::UnprocessableEntity().finish(),
        Err(_) => HttpResponse::ServiceUnavailable().finish(),
    }
}

const CONTENT_TYPE: Bytes = Bytes::from_static(b"content-type");
const JSON: Bytes = Bytes::from_static(b"application/json");

fn no_store() -> HeaderValue {
    HeaderValue::from_static("no-store")
}

fn replay() -> HeaderValue {
    HeaderValue::from_static("true")
}

fn created(answer: Bytes) -> HttpResponse {
    HttpResponse::Created().content_type("application/json").body(answer)
}

fn asked(request: &HttpRequest, caller: &[u8], key: &[u8], body: &[u8]) -> ClaimRequest {
    let (method, path) = (request.method().as_str(), request.path());
    let mut address = blake3::Hasher::new();
    for part in [method.as_bytes(), path.as_bytes(), caller, key] {
        address.update(&part.len().to_le_bytes()).update(part);
    }
    let key = String::from_utf8_lossy(key);
    ClaimRequest {
        claim: Claim {
            key: StorageKey::from_bytes(*address.finalize().as_bytes()),
            label: Label::new(Guard::Handler, "POST /orders", &key),
            definition: DefinitionId::NONE,
            fingerprint: Fingerprint::of_request(method, path, request.query_string(), body),
            claimable: Claimable::Any,
            lease: LEASE,
            retention: LIFE,
            if_forgotten: IfForgotten::PutAgain,
        },
        rules: DuplicateRules {
            on_duplicate: OnDuplicate::Replay,
            on_in_flight: OnInFlight::Reject,
            on_abandoned: OnAbandoned::Retry,
        },
        wait: Duration::ZERO,
        reclaim: ReclaimWindow::For(LIFE),
    }
}
